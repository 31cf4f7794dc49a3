package org.finetune4j.dsl

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.rendering.TextColors.green
import com.github.ajalt.mordant.rendering.TextStyles.bold
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.data.preview.Preview
import org.finetune4j.dsl.show.count

/**
 * Samples as a model sees them. Its text marks what is learned by colour on a terminal and by `⟦brackets⟧` elsewhere;
 * [html] is for notebooks.
 *
 * @property preview the samples
 */
public class RecipePreview internal constructor(public val preview: Preview) {
    /** As text, marked by colour or else by brackets. */
    public fun text(colour: Boolean): String = preview.samples().joinToString("\n\n") { sample ->
        val heading = listOf(title(sample)) + remarks(sample)
        heading.joinToString("\n") { if (colour) bold(it) else it } + "\n" +
            sample.pieces().joinToString("") { if (it.learned()) marked(it.text(), colour) else it.text() }
    } + preview.notes().joinToString("") { "\n$it" }

    /** As HTML, which needs no style sheet. */
    public fun html(): String = preview.samples().joinToString("\n", prefix = "<div>", postfix = "</div>") { sample ->
        val remarks = remarks(sample).joinToString("") { "<br><em>${escaped(it)}</em>" }
        val words = sample.pieces().joinToString("") {
            val text = escaped(it.text())
            if (it.learned()) "<mark title=\"${it.tokens()} tokens learned\">$text</mark>" else text
        }
        "<p><strong>${escaped(title(sample))}</strong>$remarks</p><pre style=\"white-space:pre-wrap\">$words</pre>"
    }

    override fun toString(): String = text(colour = Terminal().terminalInfo.ansiLevel != AnsiLevel.NONE)

    private fun title(sample: Preview.Shown): String {
        val roles = sample.roles().ifEmpty { listOf("document") }.joinToString(", ")
        return "${sample.id()}  $roles  ${count(sample.tokens())} tokens, ${count(sample.supervised())} learned"
    }

    private fun remarks(sample: Preview.Shown): List<String> = listOfNotNull(
        sample.provenance().tags().takeIf { it.isNotEmpty() }?.joinToString(", ", prefix = "tags "),
        sample.note().ifEmpty { null },
    )

    private fun marked(text: String, colour: Boolean) = if (colour) green(text) else "⟦$text⟧"

    private fun escaped(text: String) =
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
}
