package org.finetune4j.dsl

import kotlinx.serialization.Serializable
import org.finetune4j.data.TooLong
import org.finetune4j.model.FrozenWeights
import org.finetune4j.model.Precision
import org.finetune4j.train.Schedule

/**
 * How long, with what and in which precision training runs; `train { }` makes one.
 *
 * @property epochs passes over the data, at least 1; null when [maxSteps] rules, and 1 when neither is given
 * @property maxSteps optimiser steps, however many passes these are, at least 1; null when [epochs] rules
 * @property tokensPerBatch tokens of the packed sequences that one forward pass takes, at least 1; a longer sample is a
 *   batch of its own
 * @property accumulate batches that one optimiser step sums over, at least 1
 * @property optimizer what turns gradients into steps
 * @property schedule how the learning rate goes over the steps
 * @property clip the largest norm of a step's gradient, positive; a larger one is scaled down to it, and with null none is
 * @property precision the number format of weights and activations; masters and optimiser state are always f32
 * @property frozenWeights how the linear layers of a base that does not train are kept; [int8] needs an adapter
 * @property seed decides the order of the data, dropout and every first weight
 * @property maxLength the longest sample in tokens, at least 2
 * @property tooLong what happens to a longer sample
 * @property evaluateEvery optimiser steps between losses on held-out samples; 0 for only before and after training
 * @property checkpointEvery optimiser steps between checkpoints; 0 for none
 * @property keepCheckpoints checkpoints to keep, at least 1
 * @property memory what is kept in memory for the reverse pass and what is computed again; the result is the same
 */
@Serializable
public data class Training(
    public val epochs: Int? = null,
    public val maxSteps: Long? = null,
    public val tokensPerBatch: Int = 2048,
    public val accumulate: Int = 1,
    public val optimizer: AdamW = adamW(),
    public val schedule: WarmSchedule = cosine(),
    public val clip: Double? = 1.0,
    public val precision: Precision = f32,
    public val frozenWeights: FrozenWeights = asActivations,
    public val seed: Long = 42,
    public val maxLength: Int = 1024,
    public val tooLong: TooLong = TooLong.ERROR,
    public val evaluateEvery: Long = 0,
    public val checkpointEvery: Long = 100,
    public val keepCheckpoints: Int = 2,
    public val memory: Memory = auto,
) {
    override fun toString(): String = listOfNotNull(
        epochs?.let { "epochs = $it" },
        maxSteps?.let { "maxSteps = $it" },
        "tokensPerBatch = $tokensPerBatch",
        "accumulate = $accumulate",
        "optimizer = $optimizer",
        "schedule = $schedule",
        "clip = $clip",
        "precision = ${precision.name.lowercase()}",
        "frozenWeights = ${if (frozenWeights == FrozenWeights.INT8) "int8" else "asActivations"}",
        "seed = $seed",
        "maxLength = $maxLength",
        "tooLong = TooLong.$tooLong",
        "evaluateEvery = $evaluateEvery",
        "checkpointEvery = $checkpointEvery",
        "keepCheckpoints = $keepCheckpoints",
        "memory = $memory",
    ).joinToString("\n", prefix = "train {\n", postfix = "\n}") { "    $it" }
}

/** 32-bit floating point. */
public val f32: Precision get() = Precision.F32

/** 16-bit floating point with 8 bits of exponent: half the memory, and on processors that know it twice the speed. */
public val bf16: Precision get() = Precision.BF16

/** Frozen weights in the number format of activations. */
public val asActivations: FrozenWeights get() = FrozenWeights.AS_ACTIVATIONS

/**
 * Frozen weights of linear layers as signed bytes with a scale for each output channel, rounded to nearest: half the memory
 * of [bf16]. Embeddings, head and norms stay as they are; what is saved with an adapter merged in begins from the weights on
 * the disk, not from the bytes.
 */
public val int8: FrozenWeights get() = FrozenWeights.INT8

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101); [adamW] makes one.
 *
 * @property lr the highest learning rate, at least 0; null for 2e-4 with an adapter and 2e-5 without
 * @property beta1 decay of the mean of gradients, in [0, 1)
 * @property beta2 decay of the mean of their squares, in [0, 1)
 * @property epsilon added to the root of that mean, positive
 * @property weightDecay decay of weight matrices, at least 0; norms do not decay
 */
@Serializable
public data class AdamW(
    public val lr: Double? = null,
    public val beta1: Double = 0.9,
    public val beta2: Double = 0.95,
    public val epsilon: Double = 1e-8,
    public val weightDecay: Double = 0.01,
) {
    override fun toString(): String =
        "adamW(${lr?.let { "lr = $it, " }.orEmpty()}beta1 = $beta1, beta2 = $beta2, epsilon = $epsilon, weightDecay = $weightDecay)"
}

/** Adam with decoupled weight decay; without [lr], the highest learning rate is 2e-4 with an adapter and 2e-5 without. */
public fun adamW(
    lr: Double? = null,
    beta1: Double = USUAL.beta1,
    beta2: Double = USUAL.beta2,
    epsilon: Double = USUAL.epsilon,
    weightDecay: Double = USUAL.weightDecay,
): AdamW = AdamW(lr, beta1, beta2, epsilon, weightDecay)

private val USUAL = AdamW()

/**
 * How the learning rate goes over the steps; [cosine], [linear] and [constant] make one.
 *
 * @property curve its way after the rise
 * @property warmup the share of the steps in which it rises in a straight line, in [0, 1)
 * @property cycles how often a cosine falls, each time from the highest rate, at least 1; 1 for other curves
 */
@Serializable
public data class WarmSchedule(
    public val curve: Schedule = Schedule.COSINE,
    public val warmup: Double = 0.1,
    public val cycles: Int = 1,
) {
    override fun toString(): String =
        "${curve.name.lowercase()}(warmup = $warmup${if (cycles == 1) "" else ", cycles = $cycles"})"
}

/**
 * Half a cosine down to 0, after a rise over the share [warmup] of the steps; with several [cycles] that many of one length,
 * each from the highest rate (warm restarts, arXiv 1608.03983).
 */
public fun cosine(warmup: Double = 0.1, cycles: Int = 1): WarmSchedule = WarmSchedule(Schedule.COSINE, warmup, cycles)

/** A straight line down to 0, after a rise over the share [warmup] of the steps. */
public fun linear(warmup: Double = 0.1): WarmSchedule = WarmSchedule(Schedule.LINEAR, warmup)

/** The highest rate throughout, after a rise over the share [warmup] of the steps. */
public fun constant(warmup: Double = 0.1): WarmSchedule = WarmSchedule(Schedule.CONSTANT, warmup)
