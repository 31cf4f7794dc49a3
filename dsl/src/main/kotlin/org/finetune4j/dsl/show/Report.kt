package org.finetune4j.dsl.show

import com.github.ajalt.mordant.rendering.TextAlign
import com.github.ajalt.mordant.rendering.TextStyles.bold
import com.github.ajalt.mordant.rendering.Whitespace
import com.github.ajalt.mordant.table.table
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.methods.evaluate.MetricResult
import org.finetune4j.train.FineTuned
import java.util.Locale

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
                val shares = isShare(after)
                row(
                    comparison.name(),
                    value(before, shares),
                    value(after, shares),
                    change(after.value() - before.value(), shares),
                    "${after.count()}",
                )
            }
        }
    }

    private fun value(result: MetricResult, share: Boolean): String {
        val value = if (share) "%.1f %%".format(Locale.ROOT, 100 * result.value()) else "%.4f".format(Locale.ROOT, result.value())
        val error = result.standardError() ?: return value
        return value + if (share) " ± %.1f".format(Locale.ROOT, 100 * error) else " ± %.4f".format(Locale.ROOT, error)
    }

    private fun change(difference: Double, share: Boolean): String =
        if (share) "%+.1f points".format(Locale.ROOT, 100 * difference) else "%+.4f".format(Locale.ROOT, difference)

    /** Whether every item is right or wrong, so that the value is best told in per cent. */
    private fun isShare(result: MetricResult): Boolean =
        result.items().isNotEmpty() && result.items().all { it == 0.0 || it == 1.0 }

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
