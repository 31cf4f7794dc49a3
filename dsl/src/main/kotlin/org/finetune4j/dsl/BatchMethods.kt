package org.finetune4j.dsl

import org.finetune4j.methods.select.BatchMethod
import org.finetune4j.methods.select.Demask
import org.finetune4j.methods.select.QTuning
import org.finetune4j.methods.select.Uds

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

/**
 * UDS: of every micro-batch, learns the samples whose logits are rich in themselves and far from those that were learned
 * lately.
 *
 * Source: Utility-Diversity Aware Online Batch Selection for LLM Supervised Fine-tuning, arXiv 2510.16882. The score is the
 * nuclear norm of a sample's raw logits `[positions, vocabulary]` plus [alpha] times the mean distance of their projection
 * to those of the last samples that were learned; of a micro-batch of b samples the `ceil(keep b / of)` best are learned.
 *
 * @param keep samples that are learned of [of], at least 1 and at most [of]
 * @param of samples they are chosen from, at least 2
 * @param alpha weight of the distance, finite and at least 0; its unit is that of [scaling]
 * @param buffer learned samples that are remembered, at least 1
 * @param positionDims size of the projection along the positions, at least 1
 * @param vocabularyDims size of the projection along the vocabulary, at least 1
 * @param warmup steps before the first choice, at least 0
 * @param scaling whether the projections are scaled as in the official code or keep lengths
 * @param score what samples are chosen by; others than the first are baselines
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun uds(
    keep: Int = 1,
    of: Int = 8,
    alpha: Double = 1.5e-3,
    buffer: Int = 1024,
    positionDims: Int = 8,
    vocabularyDims: Int = 128,
    warmup: Int = 0,
    scaling: Uds.Scaling = Uds.Scaling.OFFICIAL,
    score: Uds.Score = Uds.Score.UTILITY_DIVERSITY,
): BatchMethod = Uds(keep, of, alpha, buffer, positionDims, vocabularyDims, warmup, scaling, score)

/**
 * Masked fine-tuning: the model restores a document from a copy of which a random share of tokens is masked, other ones at
 * every visit.
 *
 * Source: Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885. A document
 * of L tokens becomes a turn of the user with its masked copy and a request, and one of the assistant with a lead-in and the
 * document; its L + 1 tokens with the end are learned. A response to a prompt is restored from the prompt and its masked
 * copy. It works with any objective of single responses and needs a chat template.
 *
 * @param lo the least ratio of masked tokens, in [0, 1]
 * @param hi the greatest, at least [lo] and at most 1; a fixed ratio has both the same
 * @param mode whether ratios are drawn between them or rise from one to the other
 * @param draw whether a ratio is drawn for a micro-batch or for each sample
 * @param maskToken an added token that nothing else uses; empty for the first with `mask` or `reserved` in its name
 * @param request what the user asks for behind the copy, not empty
 * @param leadIn what the assistant begins with, not empty
 * @param plainShare the share of samples with a prompt that stay as they are, in [0, 1]; documents never do
 * @param refresh whether masks are drawn anew at every visit; without, it is an ablation
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun demask(
    lo: Double = 0.05,
    hi: Double = 0.95,
    mode: Demask.Mode = Demask.Mode.SAMPLE,
    draw: Demask.Draw = Demask.Draw.PER_BATCH,
    maskToken: String = "",
    request: String = Demask.REQUEST,
    leadIn: String = Demask.LEAD_IN,
    plainShare: Double = 0.5,
    refresh: Boolean = true,
): BatchMethod = Demask(lo, hi, mode, draw, maskToken, request, leadIn, plainShare, refresh)
