package org.finetune4j.scripts

import java.nio.file.Files
import java.nio.file.Path

/** The folder of the project that these classes were built in. */
internal object ProjectFolder {
    /** The jar, or the folder of the classes, lies in `scripts/target`. */
    val root: Path = Path.of(ProjectFolder::class.java.protectionDomain.codeSource.location.toURI()).parent.parent.parent

    /** The samples whose code calls the function [name], by their paths in the project. */
    fun samplesWith(name: String): List<String> {
        val samples = root.resolve("samples")
        if (!Files.isDirectory(samples)) return emptyList()
        val call = Regex("\\b${Regex.escape(name)}\\(")
        return Files.list(samples).use { files -> files.filter { "$it".endsWith(".main.kts") }.sorted().toList() }
            .filter { file -> code(Files.readString(file)).contains(call) }.map { "samples/${it.fileName}" }
    }

    private fun code(script: String): String = script.replace(Regex("/\\*.*?\\*/", RegexOption.DOT_MATCHES_ALL), "").replace(Regex("//.*"), "")
}
