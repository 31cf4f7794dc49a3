package org.finetune4j.dsl.study

import kotlin.math.sqrt

/**
 * What the runs of an arm measured by one metric.
 *
 * @property values the values by their seeds, of the finished runs
 */
public data class Spread(public val values: Map<Long, Double>) {
    /** Their mean; not a number where there is none. */
    public val mean: Double get() = values.values.average()

    /** Their sample standard deviation, taken with n - 1; null for fewer than two. */
    public val standardDeviation: Double? get() {
        if (values.size < 2) return null
        val centre = mean
        return sqrt(values.values.sumOf { (it - centre) * (it - centre) } / (values.size - 1))
    }
}

/**
 * How far an arm is from the baseline, seed by seed.
 *
 * @property differences the arm's value less the baseline's, by the seeds that both finished with
 */
public data class PairedDifference(public val differences: Spread) {
    /** How many seeds are higher than with the baseline. */
    public val higher: Int get() = differences.values.values.count { it > 0 }

    /** How many seeds are lower than with the baseline. */
    public val lower: Int get() = differences.values.values.count { it < 0 }

    internal companion object {
        fun between(arm: Spread, baseline: Spread): PairedDifference? =
            arm.values.mapNotNull { (seed, value) -> baseline.values[seed]?.let { seed to value - it } }.toMap()
                .takeIf { it.isNotEmpty() }?.let { PairedDifference(Spread(it)) }
    }
}
