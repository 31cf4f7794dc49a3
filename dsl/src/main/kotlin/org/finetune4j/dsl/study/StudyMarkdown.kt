package org.finetune4j.dsl.study

import org.finetune4j.dsl.show.count
import org.finetune4j.dsl.show.duration
import org.finetune4j.dsl.show.measured

/** Results as Markdown: a table for every metric, what was spent, and what failed. */
internal object StudyMarkdown {
    fun of(results: StudyResults): String {
        val study = results.study
        val head = listOf("# ${study.name}", "${study.arms.size} arms, seeds ${study.seeds.joinToString()}, ${study.budget}. Mean ± sample standard deviation over seeds.")
        return (head + results.metrics.map { metric(results, it) } + spent(results) + failures(results)).joinToString("\n\n", postfix = "\n")
    }

    private fun metric(results: StudyResults, metric: String): String {
        val before = results.before(metric)?.let { listOf(listOf("before training", measured(it, null, results.isShare(metric)), "", "", "")) }.orEmpty()
        val rows = StudyTable.rows(results, metric).map { listOf(it.arm, it.value + it.ofSeeds, it.difference, it.higher, it.bySeed) }
        return table(listOf(metric, "mean ± sd", "to ${results.study.baseline ?: "a baseline"}", "higher", "by seed"), before + rows) +
            "\n\n![${metric.replace("|", "/")}](${StudyDraft.fileName(metric)}.svg)"
    }

    private fun spent(results: StudyResults): String = table(
        listOf("spent", "seed", "steps", "supervised tokens", "training time"),
        results.runs.map { listOf(it.arm, "${it.seed}", count(it.steps), count(it.supervisedTokens), duration(it.trainingSeconds)) },
    ) + results.budgetWarning()?.let { "\n\nWarning: $it." }.orEmpty()

    private fun failures(results: StudyResults): List<String> =
        if (results.failures.isEmpty()) emptyList() else listOf(table(listOf("failed", "why"), results.failures.map { listOf(it.run, it.message) }))

    private fun table(header: List<String>, rows: List<List<String>>): String =
        (listOf(header, header.map { "---" }) + rows).joinToString("\n") { row -> row.joinToString(" | ", "| ", " |") { cell(it) } }

    /** What would end a cell or a row is written otherwise. */
    private fun cell(text: String): String = text.replace("|", "\\|").replace(Regex("\\s+"), " ")
}
