package org.finetune4j.dsl.show

import com.github.ajalt.mordant.rendering.TextAlign
import com.github.ajalt.mordant.rendering.TextStyles.bold
import com.github.ajalt.mordant.rendering.Whitespace
import com.github.ajalt.mordant.table.table
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.train.FineTuned

/** Shows what a run measured, and answers from before and after it. */
internal class Report(private val terminal: Terminal) {
    fun show(comparisons: List<FineTuned.Comparison>, answers: List<FineTuned.Answer>) {
        if (comparisons.isNotEmpty()) terminal.println(metrics(comparisons))
        answers.take(ANSWERS).forEach(::show)
    }

    private fun metrics(comparisons: List<FineTuned.Comparison>) = table {
        column(1) { align = TextAlign.RIGHT }
        column(2) { align = TextAlign.RIGHT }
        column(3) { align = TextAlign.RIGHT }
        column(4) { align = TextAlign.RIGHT }
        header { row("held out", "before", "after", "change", "samples") }
        body {
            for (comparison in comparisons) {
                val before = comparison.before()
                val after = comparison.after()
                val shares = after.isShare()
                row(
                    comparison.name(),
                    measured(before.value(), before.standardError(), shares),
                    measured(after.value(), after.standardError(), shares),
                    change(after.value() - before.value(), shares),
                    "${after.count()}",
                )
            }
        }
    }

    private fun show(answer: FineTuned.Answer) {
        terminal.println()
        part("prompt", answer.prompt())
        answer.reference()?.let { part("reference", it) }
        part("before", answer.before())
        part("after", answer.after())
    }

    private fun part(name: String, text: String) {
        val lines = text.ifBlank { "(nothing)" }.lines()
        terminal.println(bold(name.padEnd(NAME_WIDTH)) + lines.first(), whitespace = Whitespace.PRE_WRAP)
        lines.drop(1).forEach { terminal.println(" ".repeat(NAME_WIDTH) + it, whitespace = Whitespace.PRE_WRAP) }
    }

    private companion object {
        const val ANSWERS = 2
        const val NAME_WIDTH = 11
    }
}
