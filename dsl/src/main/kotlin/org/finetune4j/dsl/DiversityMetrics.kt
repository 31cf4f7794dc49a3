package org.finetune4j.dsl

import org.finetune4j.methods.evaluate.BleuSmoothing
import org.finetune4j.methods.evaluate.DistinctN
import org.finetune4j.methods.evaluate.Ead
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.evaluate.SelfBleu

/**
 * distinct-n: how many of the sequences of [n] words in the answers are different, 0 to 1.
 *
 * Source: A Diversity-Promoting Objective Function for Neural Conversation Models, arXiv 1510.03055.
 *
 * @param n words of a sequence, at least 1
 * @param level what is counted together: all answers, or each by itself
 * @param samples answers to each prompt, at least 1
 * @param temperature of the draw, at least 0, and above it where there are several samples
 * @param topP of the draw, above 0 and at most 1
 * @param seed of the draw
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun distinctN(
    n: Int = 1,
    level: DistinctN.Level = DistinctN.Level.CORPUS,
    samples: Int = 1,
    temperature: Double = 0.0,
    topP: Double = 1.0,
    seed: Long = 0,
): Metric = DistinctN(n, level, samples, temperature, topP, seed)

/**
 * Expectation-adjusted distinct: the different sequences of [n] tokens in the answers by how many as many draws from the
 * vocabulary would give; 1 is as diverse as chance.
 *
 * Source: Rethinking and Refining the Distinct Metric, arXiv 2202.13587.
 *
 * @param n tokens of a sequence, at least 1
 * @param vocabulary how many sequences there are, at least 2; 0 for the tokens of the tokenizer where [n] is 1
 * @param samples answers to each prompt, at least 1
 * @param temperature of the draw, at least 0, and above it where there are several samples
 * @param topP of the draw, above 0 and at most 1
 * @param seed of the draw
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun ead(
    n: Int = 1,
    vocabulary: Long = 0,
    samples: Int = 1,
    temperature: Double = 0.0,
    topP: Double = 1.0,
    seed: Long = 0,
): Metric = Ead(n, vocabulary, samples, temperature, topP, seed)

/**
 * Self-BLEU: how much answers resemble one another, 0 to 100; less is more diverse.
 *
 * Source: Texygen, arXiv 1802.01886.
 *
 * @param order the longest sequence of tokens, at least 1
 * @param smoothing what an order without a match counts
 * @param most how many answers are compared, at least 2
 * @param samples answers to each prompt, at least 1
 * @param temperature of the draw, at least 0, and above it where there are several samples
 * @param topP of the draw, above 0 and at most 1
 * @param seed of the draw
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun selfBleu(
    order: Int = 4,
    smoothing: BleuSmoothing = BleuSmoothing.FLOOR,
    most: Int = 500,
    samples: Int = 1,
    temperature: Double = 0.0,
    topP: Double = 1.0,
    seed: Long = 0,
): Metric = SelfBleu(order, smoothing, most, samples, temperature, topP, seed)
