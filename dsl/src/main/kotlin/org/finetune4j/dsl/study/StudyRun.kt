package org.finetune4j.dsl.study

import kotlinx.serialization.Serializable
import org.finetune4j.dsl.show.isShare
import org.finetune4j.train.FineTuned

/**
 * What one finished run of a study measured.
 *
 * @property arm the name of its arm or stage
 * @property seed its seed
 * @property folder its folder, with checkpoints, log and recipe
 * @property steps optimiser steps
 * @property tokens tokens fed to the model in training
 * @property supervisedTokens tokens of these that were learned
 * @property trainingSeconds time of the steps
 * @property measurements what was measured, in the order of the recipe's metrics, the held-out loss last
 */
@Serializable
public data class StudyRun(
    public val arm: String,
    public val seed: Long,
    public val folder: String,
    public val steps: Long,
    public val tokens: Long,
    public val supervisedTokens: Long,
    public val trainingSeconds: Double,
    public val measurements: List<Measurement>,
) {
    /** What was measured by the metric called [name], or null. */
    public fun measurement(name: String): Measurement? = measurements.firstOrNull { it.name == name }
}

/**
 * One metric before and after training.
 *
 * @property name the metric's name, or `heldOutLoss`
 * @property signature the conventions of the metric
 * @property before the value before training
 * @property after the value after training
 * @property standardError the standard error of [after] over the samples, or null where it has none
 * @property count how many samples it was taken over
 * @property share whether every sample is right or wrong, so that the value is told in per cent
 */
@Serializable
public data class Measurement(
    public val name: String,
    public val signature: String,
    public val before: Double,
    public val after: Double,
    public val standardError: Double?,
    public val count: Int,
    public val share: Boolean,
) {
    internal companion object {
        fun of(comparison: FineTuned.Comparison): Measurement {
            val after = comparison.after()
            return Measurement(
                comparison.name(),
                after.signature(),
                comparison.before().value(),
                after.value(),
                after.standardError(),
                after.count(),
                after.isShare(),
            )
        }
    }
}

/**
 * A run that did not come to its end.
 *
 * @property run the run, such as `asft, seed 2`
 * @property message why
 */
@Serializable
public data class StudyFailure(public val run: String, public val message: String)
