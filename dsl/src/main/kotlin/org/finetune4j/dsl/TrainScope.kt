package org.finetune4j.dsl

import org.finetune4j.data.TooLong
import org.finetune4j.model.FrozenWeights
import org.finetune4j.model.Precision

/** The inside of `train { }`; every property begins with its default. */
@RecipeDsl
public class TrainScope internal constructor(start: Training) {
    /** Passes over the data, at least 1; leave it out when [maxSteps] is given. */
    public var epochs: Int? = start.epochs

    /** Optimiser steps, however many passes these are, at least 1; leave it out when [epochs] is given. */
    public var maxSteps: Long? = start.maxSteps

    /** Tokens of the packed sequences that one forward pass takes; a longer sample is a batch of its own. */
    public var tokensPerBatch: Int = start.tokensPerBatch

    /** Batches that one optimiser step sums over, at least 1. */
    public var accumulate: Int = start.accumulate

    /** What turns gradients into steps. */
    public var optimizer: AdamW = start.optimizer

    /** How the learning rate goes over the steps: [cosine], [linear] or [constant]. */
    public var schedule: WarmSchedule = start.schedule

    /** The largest norm of a step's gradient, positive; null for no clipping. */
    public var clip: Double? = start.clip

    /** The number format of weights and activations: [f32] or [bf16]. */
    public var precision: Precision = start.precision

    /** How the linear layers of a base that does not train are kept: [asActivations] or [int8]. */
    public var frozenWeights: FrozenWeights = start.frozenWeights

    /** Decides the order of the data, dropout and every first weight. */
    public var seed: Long = start.seed

    /** The longest sample in tokens, at least 2. */
    public var maxLength: Int = start.maxLength

    /** What happens to a longer sample. */
    public var tooLong: TooLong = start.tooLong

    /** Optimiser steps between losses on held-out samples; 0 for only before and after training. */
    public var evaluateEvery: Long = start.evaluateEvery

    /** Optimiser steps between checkpoints; 0 for none. */
    public var checkpointEvery: Long = start.checkpointEvery

    /** Checkpoints to keep, at least 1. */
    public var keepCheckpoints: Int = start.keepCheckpoints

    /** What is kept in memory for the reverse pass: [auto], [fastest], [smallest] or [recompute]. */
    public var memory: Memory = start.memory

    internal fun freeze(): Training = Training(
        epochs,
        maxSteps,
        tokensPerBatch,
        accumulate,
        optimizer,
        schedule,
        clip,
        precision,
        frozenWeights,
        seed,
        maxLength,
        tooLong,
        evaluateEvery,
        checkpointEvery,
        keepCheckpoints,
        memory,
    )
}
