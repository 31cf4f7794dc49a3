package org.finetune4j.dsl

import org.finetune4j.methods.data.Diversified

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
