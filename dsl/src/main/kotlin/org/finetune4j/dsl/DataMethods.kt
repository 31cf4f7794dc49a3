package org.finetune4j.dsl

import org.finetune4j.methods.data.Diversified
import org.finetune4j.methods.data.InContext
import org.finetune4j.methods.decode.Demonstrations

/**
 * This data with [labels], words that name something by convention, replaced in every sample anew by words drawn from a
 * pool, in prompt, response, reasoning, candidates and answer alike (prompt diversity).
 *
 * Source: Debunk the Myth of SFT Generalization, arXiv 2510.00237.
 *
 * @param labels the words that are replaced where they stand whole, upper and lower case told apart
 * @param seed decides the draws
 * @throws org.finetune4j.FinetuneException when the labels cannot be told apart
 */
public fun DataSource.diversify(
    labels: List<String> = listOf("Up", "Down", "Left", "Right"),
    seed: Long = 42,
): DataSource = made(Diversified(labels, seed), this)

/**
 * These samples, each behind [k] solved samples of a [pool] as earlier turns, never behind itself (supervised in-context
 * learning); to be learned with `chatTemplate(supervise = Turns.LAST)`. Held-out samples are asked in the same way, with the
 * training data as their [pool].
 *
 * Source: On Task Performance and Model Calibration with Supervised and Self-Ensembled In-Context Learning, arXiv 2312.13772.
 *
 * @param k demonstrations, at least 1 and fewer than the pool has
 * @param pool what demonstrations are drawn of
 * @param retrieve which of the pool are shown
 * @param copies how often a sample is given, each time behind other demonstrations, at least 1
 * @param seed decides the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.inContext(
    k: Int = 3,
    pool: DataSource = this,
    retrieve: Demonstrations.Retrieve = Demonstrations.Retrieve.RANDOM,
    copies: Int = 1,
    seed: Long = 42,
): DataSource = made(InContext(k, retrieve, copies, seed), this, pool)
