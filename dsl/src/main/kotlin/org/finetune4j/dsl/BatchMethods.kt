package org.finetune4j.dsl

import org.finetune4j.methods.select.BatchMethod
import org.finetune4j.methods.select.QTuning

/**
 * Q-Tuning: of every micro-batch, keeps samples that the model gets confidently wrong or hesitantly right, and of the former
 * only their less surprising tokens.
 *
 * Source: Winning the Pruning Gamble: A Unified Approach to Joint Sample and Token Pruning for Efficient Supervised
 * Fine-Tuning, arXiv 2509.23873. Each micro-batch is scored by a forward pass of the current model, and the loss is averaged
 * over what is left; with [tokens] 1 only samples are pruned, with [samples] 1 only tokens.
 *
 * @param samples the share of a micro-batch's samples that stays, in (0, 1]; a micro-batch needs at least 4 samples, and one
 *   divided by the share
 * @param tokens the share of the learned tokens of a confidently wrong sample that stays, in (0, 1]
 * @param lambda weight of the neighbours' surprise against a token's own, in [0, 1]
 * @param kMax rounds of the bisection for the thresholds, at least 1
 * @param rule which tokens may go
 * @param mode whether tokens that go are deleted or stay as context that is not learned
 * @param partition which round of the bisection counts
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun qTuning(
    samples: Double = 0.125,
    tokens: Double = 0.5,
    lambda: Double = 0.5,
    kMax: Int = 10,
    rule: QTuning.Rule = QTuning.Rule.SCORE,
    mode: QTuning.Removal = QTuning.Removal.DELETE,
    partition: QTuning.Partition = QTuning.Partition.BEST,
): BatchMethod = QTuning(samples, tokens, lambda, kMax, rule, mode, partition)

/** The first half of [qTuning] alone: triage of the samples by error and uncertainty. */
public fun euTriage(samples: Double = 0.125, kMax: Int = 10, partition: QTuning.Partition = QTuning.Partition.BEST): BatchMethod =
    qTuning(samples = samples, tokens = 1.0, kMax = kMax, partition = partition)

/** The second half of [qTuning] alone: takes the most surprising tokens out of samples that are confidently wrong. */
public fun neighbourTokenPrune(
    tokens: Double = 0.5,
    lambda: Double = 0.5,
    rule: QTuning.Rule = QTuning.Rule.SCORE,
    mode: QTuning.Removal = QTuning.Removal.DELETE,
): BatchMethod = qTuning(samples = 1.0, tokens = tokens, lambda = lambda, rule = rule, mode = mode)
