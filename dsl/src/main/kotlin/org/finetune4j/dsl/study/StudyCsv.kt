package org.finetune4j.dsl.study

/** Results as comma-separated values: a line for every run and metric. */
internal object StudyCsv {
    fun of(results: StudyResults): String {
        val axes = results.study.arms.flatMap { arm -> arm.coordinates.map { it.axis } }.distinct()
        val header = listOf("arm") + axes + listOf("seed", "metric", "before", "after", "standardError", "samples", "steps", "supervisedTokens", "trainingSeconds")
        val lines = results.runs.flatMap { run ->
            val places = results.study.arm(run.arm).coordinates.associate { it.axis to it.value }
            run.measurements.map { measured ->
                listOf(run.arm) + axes.map { places[it].orEmpty() } + listOf(
                    run.seed, measured.name, measured.before, measured.after, measured.standardError ?: "", measured.count,
                    run.steps, run.supervisedTokens, run.trainingSeconds,
                ).map { "$it" }
            }
        }
        return (listOf(header) + lines).joinToString("") { line -> line.joinToString(",", transform = ::field) + "\r\n" }
    }

    private fun field(text: String): String =
        if (text.any { it in ",\"\r\n" }) "\"${text.replace("\"", "\"\"")}\"" else text
}
