package org.finetune4j.scripts.methods

import org.finetune4j.dsl.reference.MethodReference
import org.finetune4j.dsl.reference.SettingReference

/** Methods as text for a terminal. */
internal object MethodText {
    private const val INDENT = "  "
    private const val WIDTH = 100
    private const val LONGEST_DEFAULT = 40

    /** Every method with paper and defaults, by kind. */
    fun list(methods: List<MethodReference>): String = methods.groupBy { it.kind }.entries.joinToString("\n\n") { (kind, ofKind) ->
        val width = ofKind.maxOf { it.name.length } + 2
        "$kind\n" + ofKind.joinToString("\n") { method ->
            val title = wrapped("${method.title} (${method.source})", WIDTH - width)
            val defaults = method.settings.joinToString(", ") { "${it.name} = ${short(it)}" }.ifEmpty { "no settings" }
            (title + wrapped(defaults, WIDTH - width)).mapIndexed { i, line -> INDENT + (if (i == 0) method.name else "").padEnd(width) + line }
                .joinToString("\n")
        }
    } + "\n\nfinetune methods NAME shows one."

    /** One method, and the [samples] that use it. */
    fun of(method: MethodReference, samples: List<String>): String = listOfNotNull(
        "${method.name}: ${method.title}",
        "${method.place}, ${method.source}",
        "",
        *method.summary.split("\n").flatMap { wrapped(it, WIDTH) + "" }.toTypedArray(),
        "settings".takeIf { method.settings.isNotEmpty() },
        *method.settings.flatMap { setting(it, method.settings.maxOf { other -> other.name.length }) }.toTypedArray(),
        "".takeIf { method.settings.isNotEmpty() },
        "in Kotlin",
        *wrapped(method.call, WIDTH).map { INDENT + it }.toTypedArray(),
        "",
        "samples",
        *samples.ifEmpty { listOf("none") }.map { INDENT + it }.toTypedArray(),
    ).joinToString("\n")

    private fun setting(setting: SettingReference, nameWidth: Int): List<String> {
        val told = setting.type + (setting.shown?.let { ", default ${it.replace("\n", "\\n")}" } ?: ", must be given")
        return (wrapped(told, WIDTH - nameWidth) + setting.meaning.takeIf { it.isNotEmpty() }?.let { wrapped(it, WIDTH - nameWidth) }.orEmpty())
            .mapIndexed { i, line -> INDENT + (if (i == 0) setting.name else "").padEnd(nameWidth + 2) + line }
    }

    private fun short(setting: SettingReference): String {
        val shown = setting.shown?.replace("\n", "\\n") ?: return "..."
        return if (shown.length <= LONGEST_DEFAULT) shown else shown.take(LONGEST_DEFAULT - 3) + "..."
    }

    /** [text] in lines of at most [width] characters, as far as its words allow. */
    private fun wrapped(text: String, width: Int): List<String> = text.split(" ").fold(mutableListOf("")) { lines, word ->
        if (lines.last().isNotEmpty() && lines.last().length + 1 + word.length > width) lines += ""
        lines[lines.lastIndex] = if (lines.last().isEmpty()) word else "${lines.last()} $word"
        lines
    }
}
