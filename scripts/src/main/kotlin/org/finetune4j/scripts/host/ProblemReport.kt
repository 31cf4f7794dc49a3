package org.finetune4j.scripts.host

import java.nio.file.Files
import java.nio.file.Path

/** Writes compiler messages as compilers do: place, message, the source line and a caret under the column. */
internal object ProblemReport {
    fun render(problems: List<ScriptProblem>): String = problems.joinToString("\n") { render(it) }

    private fun render(problem: ScriptProblem): String {
        val severity = if (problem.isError) "error" else "warning"
        val place = listOfNotNull(problem.file?.fileName, problem.line, problem.column).joinToString(":")
        val headline = if (place.isEmpty()) "$severity: ${problem.message}" else "$place: $severity: ${problem.message}"
        val source = sourceLine(problem.file, problem.line) ?: return headline
        val caret = problem.column?.let { "\n" + source.take(it - 1).replace(NOT_A_TAB, " ") + "^" }.orEmpty()
        return "$headline\n$source$caret"
    }

    /** The text of line [line] (from 1) of [file], or null when there is no such line. */
    fun sourceLine(file: Path?, line: Int?): String? {
        if (file == null || line == null || !Files.isReadable(file)) return null
        return Files.readAllLines(file).getOrNull(line - 1)
    }

    /** Tabs stay, so that the caret stands under its column however wide the terminal draws them. */
    private val NOT_A_TAB = Regex("[^\t]")
}
