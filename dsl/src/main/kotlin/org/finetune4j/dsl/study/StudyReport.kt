package org.finetune4j.dsl.study

import com.github.ajalt.mordant.rendering.TextAlign
import com.github.ajalt.mordant.rendering.TextColors.cyan
import com.github.ajalt.mordant.rendering.TextColors.yellow
import com.github.ajalt.mordant.table.Borders
import com.github.ajalt.mordant.table.table
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.dsl.show.bar
import org.finetune4j.dsl.show.change
import org.finetune4j.dsl.show.count
import org.finetune4j.dsl.show.duration
import org.finetune4j.dsl.show.measured

/** Shows what a study measured: a table with bars for every metric, what was spent, and what failed. */
internal class StudyReport(private val terminal: Terminal) {
    fun show(results: StudyResults) {
        results.metrics.forEach {
            terminal.println()
            terminal.println(metric(results, it))
        }
        terminal.println()
        terminal.println(spent(results))
        results.budgetWarning()?.let { terminal.println(yellow("warning: $it")) }
        results.failures.forEach { terminal.println(yellow("failed: ${it.run}: ${it.message}")) }
        terminal.println("The results are in ${results.folder}: results.md, results.csv, results.json and a plot of every metric")
    }

    private fun metric(results: StudyResults, metric: String) = table {
        val rows = StudyTable.rows(results, metric)
        val numbers = listOfNotNull(results.before(metric)) + rows.map { it.mean }
        val lowest = minOf(0.0, numbers.min())
        val range = (maxOf(0.0, numbers.max()) - lowest).takeIf { it > 0 } ?: 1.0
        fun bar(value: Double) = cyan(bar((value - lowest) / range, BAR_WIDTH))
        listOf(1, 2, 3).forEach { column(it) { align = TextAlign.RIGHT } }
        tableBorders = Borders.ALL
        header { row(metric, "mean ± sd", "to ${results.study.baseline ?: "a baseline"}", "higher", "") }
        body {
            cellBorders = Borders.LEFT_RIGHT
            results.before(metric)?.let { row("before training", measured(it, null, results.isShare(metric)), "", "", bar(it)) }
            rows.forEach { row(it.arm, it.value + it.ofSeeds, it.difference, it.higher, bar(it.mean)) }
        }
    }

    private fun spent(results: StudyResults) = table {
        (1..3).forEach { column(it) { align = TextAlign.RIGHT } }
        tableBorders = Borders.ALL
        header { row("spent by a run", "steps", "supervised tokens", "training time") }
        body {
            cellBorders = Borders.LEFT_RIGHT
            results.arms().filter { it.runs.isNotEmpty() }.forEach { arm ->
                row(
                    arm.arm.name,
                    range(arm.runs.map { it.steps }),
                    range(arm.runs.map { it.supervisedTokens }),
                    duration(arm.runs.map { it.trainingSeconds }.average()),
                )
            }
        }
    }

    private fun range(numbers: List<Long>): String =
        if (numbers.min() == numbers.max()) count(numbers.min()) else "${count(numbers.min())} to ${count(numbers.max())}"

    companion object {
        private const val BAR_WIDTH = 8

        /** One measurement in a line, such as `exactMatch 22.0 % to 95.5 %, +73.5 points`. */
        fun beforeAndAfter(measurement: Measurement): String = with(measurement) {
            "$name ${measured(before, null, share)} to ${measured(after, null, share)}, ${change(after - before, share)}"
        }
    }
}
