package org.finetune4j.dsl

import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.objective.Sorted
import org.finetune4j.methods.objective.Taught
import org.finetune4j.methods.objective.Undesirable

/**
 * Learning from the undesirable (LfU): a base objective, and that hidden states move little if the model is changed for the
 * worse.
 *
 * Source: Learning from the Undesirable: Robust Adaptation of Language Models without Forgetting, arXiv 2511.13052. The loss of
 * a micro-batch is that of [base] plus [weight] times the mean squared movement of the hidden states
 * `[layers, learned tokens, hidden]`. By way of weights that is their movement under a step of length [step] along the gradient
 * of another batch; by way of steering it is that under feed-forward outputs which are turned by [step] towards learned vectors,
 * one for each block, that make another batch less likely. It costs three forward and three reverse passes, or two reverse
 * passes with steering.
 *
 * @param base what is learned, token by token
 * @param via what makes the model worse: WEIGHTS (the paper's LoRA) or STEERING (its RepS)
 * @param step length of the step for the worse, finite and at least 0; at 0 the base alone is left
 * @param weight factor of the movement, finite and at least 0; at 0 the base alone is left
 * @param steeringRate learning rate of the vectors, relative to that of the run, finite and positive
 * @param lowest the first hidden state, at least 0, which is the embedding's
 * @param highest the last hidden state, at most the number of blocks, or -1 for it
 * @param detach which states are constant
 * @param overElements whether elements of a state are averaged or added up
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun undesirable(
    base: Objective = sft(),
    via: Undesirable.Via = Undesirable.Via.WEIGHTS,
    step: Double = 0.1,
    weight: Double = via.weight(),
    steeringRate: Double = 1.0,
    lowest: Int = 0,
    highest: Int = -1,
    detach: Undesirable.Detach = via.detach(),
    overElements: Undesirable.OverElements = Undesirable.OverElements.MEAN,
): Objective = Undesirable(base, via, step, weight, steeringRate, lowest, highest, detach, overElements)

/**
 * Sorted fine-tuning (SoFT): a base objective behind several depths of the model at once, each of which is a model of its own
 * afterwards.
 *
 * Source: Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic Inference,
 * arXiv 2309.08968. Every exit has the model's own final norm and head; its values are logged as `exitN.nll` and so on. The tuned
 * model then generates with [TunedModel.exitAt], [TunedModel.confidenceExit] or [TunedModel.selfSpeculative].
 *
 * @param exits numbers of blocks, ascending from at least 1 up to the model's last, which must be among them; empty for the
 *   blocks nearest to 30 %, 40 % and so on of all
 * @param base what is minimised at every exit: a plain mean over tokens without a reference
 * @param reduce whether the losses of the exits are averaged or added up
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun sorted(
    exits: List<Int> = emptyList(),
    base: Objective = sft(),
    reduce: Sorted.Reduce = Sorted.Reduce.MEAN,
): Objective = Sorted(exits, base, reduce)

/**
 * Another objective under a teacher: its reference is another model, the policy at an earlier time, or either at another
 * temperature or with an input of which some tokens are masked.
 *
 * Source: Distilling the Knowledge in a Neural Network, arXiv 1503.02531. As in
 * `objective(taught(asft(kl = 0.5), teacher = "models/large"))`; an objective of your own gets the teacher's logits as its
 * `referenceLogits()`. A teacher has the tokens of the base, stays as it is, and is no part of what is saved; the plan prices it.
 *
 * @param base what is minimised, which must ask for a reference
 * @param teacher the folder of another model, or empty for the policy's own past
 * @param temperature what the reference's logits are divided by, above 0
 * @param every steps between two moves of the reference towards the policy, or 0 for one that stays as at the start; only
 *   without [teacher]
 * @param mix the policy's share in such a move, in (0, 1]: 1 for a snapshot, less for a moving average
 * @param masked share of the tokens that the reference reads masked, in [0, 1], each alone and anew in every step
 * @param maskToken the added token that stands for masked ones, or empty for the first with `mask` or `reserved` in its name
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun taught(
    base: Objective = asft(),
    teacher: String = "",
    temperature: Double = 1.0,
    every: Int = 0,
    mix: Double = 1.0,
    masked: Double = 0.0,
    maskToken: String = "",
): Objective = Taught(base, teacher, temperature, every, mix, masked, maskToken)
