package org.finetune4j.dsl.study

import org.finetune4j.dsl.show.change
import org.finetune4j.dsl.show.measured

/** The rows of a metric's table, in words. */
internal object StudyTable {
    /**
     * What an arm measured by a metric.
     *
     * @property mean the mean over its seeds
     * @property value the mean with the standard deviation
     * @property ofSeeds how many seeds these are, where some are missing
     * @property difference the mean of the paired differences to the baseline, with their standard deviation
     * @property higher on how many seeds of those that both finished it is higher than the baseline
     * @property bySeed the single values
     */
    class Row(
        val arm: String,
        val mean: Double,
        val value: String,
        val ofSeeds: String,
        val difference: String,
        val higher: String,
        val bySeed: String,
    )

    /** A row for every arm with a finished run that measured [metric]. */
    fun rows(results: StudyResults, metric: String): List<Row> = results.arms().mapNotNull { arm ->
        val share = results.isShare(metric)
        val spread = arm[metric].takeIf { it.values.isNotEmpty() } ?: return@mapNotNull null
        val difference = arm.toBaseline(metric)
        Row(
            arm.arm.name,
            spread.mean,
            measured(spread.mean, spread.standardDeviation, share),
            if (spread.values.size == results.study.seeds.size) "" else " (${spread.values.size} of ${results.study.seeds.size} seeds)",
            if (arm.arm.family == results.study.baseline) "baseline" else difference?.let { told(it.differences, share) }.orEmpty(),
            difference?.let { "${it.higher} of ${it.differences.values.size}" }.orEmpty(),
            spread.values.values.joinToString(", ") { measured(it, null, share) },
        )
    }

    private fun told(differences: Spread, share: Boolean): String {
        val deviation = differences.standardDeviation?.let { " ± ${change(it, share).removePrefix("+").removeSuffix(" points")}" }
        return change(differences.mean, share) + deviation.orEmpty()
    }
}
