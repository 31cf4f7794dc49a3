package org.finetune4j.scripts.methods

import org.finetune4j.FinetuneException
import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.dsl.reference.MethodReference
import java.nio.file.Files
import java.nio.file.Path

/** The table of methods in the README, between two marks. */
internal object ReadmeMethods {
    const val BEGIN: String = "<!-- methods: written by scripts/finetune methods --write-readme -->"
    const val END: String = "<!-- end of methods -->"

    private val ARXIV = Regex("arXiv (\\d{4}\\.\\d{4,5})")

    /** The table of [methods]. */
    fun table(methods: List<MethodReference>): String = (
        listOf("| in a recipe | kind | method | source |", "|---|---|---|---|") +
            methods.map { "| `${it.name}` | ${it.kind} | ${cell(it.title)} | ${linked(cell(it.source))} |" }
        ).joinToString("\n")

    /**
     * [readme] with the table of [methods] between its marks.
     *
     * @throws FinetuneException when it has not both marks, once each and in order
     */
    fun updated(readme: String, methods: List<MethodReference>): String {
        val begin = readme.indexOf(BEGIN)
        val end = readme.indexOf(END)
        if (begin < 0 || end < begin || readme.lastIndexOf(BEGIN) != begin || readme.lastIndexOf(END) != end) {
            throw FinetuneException("the README must have the lines '$BEGIN' and '$END' once each, in this order. Put them where the table belongs.")
        }
        return readme.substring(0, begin + BEGIN.length) + "\n" + table(methods) + "\n" + readme.substring(end)
    }

    /** Writes the table into [file] and says what became of it. */
    fun update(file: Path, methods: List<MethodReference>): String {
        if (!Files.isRegularFile(file)) throw FinetuneException("there is no $file to write the table of methods into. Run it in the project.")
        val before = Files.readString(file)
        val after = updated(before, methods)
        if (after == before) return "$file tells of all ${methods.size} methods already"
        AtomicFiles.onDisk().writeText(file, after)
        return "Wrote ${methods.size} methods into $file"
    }

    private fun cell(text: String): String = text.replace("|", "\\|")

    private fun linked(source: String): String = ARXIV.replace(source) { "[${it.value}](https://arxiv.org/abs/${it.groupValues[1]})" }
}
