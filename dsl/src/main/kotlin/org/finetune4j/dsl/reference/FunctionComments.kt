package org.finetune4j.dsl.reference

import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path

/** The comments of the functions that make fragments, out of their sources, which lie beside the classes. */
internal class FunctionComments(private val sources: List<String>) {
    /** The comment of the function called [name]; of several the one whose comment says most. */
    fun of(name: String): FunctionComment {
        val function = Regex("/\\*\\*((?:(?!\\*/).)*)\\*/\\s*(?:@\\w+(?:\\([^)]*\\))?\\s+)*public fun (?:<[^>]*>\\s*)?(?:[\\w.]+\\.)?${Regex.escape(name)}\\(", RegexOption.DOT_MATCHES_ALL)
        return sources.flatMap { source -> function.findAll(source).map { FunctionComment.of(it.groupValues[1], parameters(source, it.range.last + 1)) } }
            .maxByOrNull { it.summary.length } ?: FunctionComment.NONE
    }

    /** What stands from [start] to the bracket that closes the list of parameters. */
    private fun parameters(source: String, start: Int): String {
        var depth = 1
        var end = start
        while (end < source.length && depth > 0) {
            if (source[end] == '(') depth++ else if (source[end] == ')') depth--
            end++
        }
        return source.substring(start, maxOf(start, end - 1))
    }

    companion object {
        private val FOLDER = FunctionComments::class.java.packageName.substringBeforeLast('.').replace('.', '/')

        private val known by lazy { FunctionComments(sources()) }

        fun read(): FunctionComments = known

        private fun sources(): List<String> {
            val classes = Path.of(FunctionComments::class.java.protectionDomain.codeSource.location.toURI())
            if (Files.isDirectory(classes)) return texts(classes.resolve(FOLDER))
            return FileSystems.newFileSystem(classes).use { texts(it.getPath(FOLDER)) }
        }

        private fun texts(folder: Path): List<String> =
            Files.list(folder).use { files -> files.filter { "$it".endsWith(".kt") }.sorted().toList() }.map(Files::readString)
    }
}
