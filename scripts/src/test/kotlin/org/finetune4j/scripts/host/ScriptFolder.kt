package org.finetune4j.scripts.host

import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.FileTime
import java.time.Instant

/** A temporary folder with scripts and a cache of their own; scripts report what they saw through [seen]. */
internal class ScriptFolder : AutoCloseable {
    val folder: Path = Files.createTempDirectory("finetune scripts")
    val cache: Path = folder.resolve("cache")
    val host = ScriptHost(cache)

    init {
        System.clearProperty(SEEN)
    }

    /** Writes a script as if it had been saved a minute ago, since a file saved during compilation is not cached. */
    fun write(name: String, text: String): Path = Files.writeString(folder.resolve(name), text.trimIndent()).also {
        Files.setLastModifiedTime(it, FileTime.from(Instant.now().minusSeconds(60)))
    }

    fun cached(ending: String): List<Path> = Files.list(cache).use { files ->
        files.filter { it.toString().endsWith(ending) }.toList()
    }

    override fun close() {
        System.clearProperty(SEEN)
        folder.toFile().deleteRecursively()
    }

    companion object {
        private const val SEEN = "finetune4j.test.seen"

        /** The script statement that reports the value of [expression]. */
        fun report(expression: String): String = "System.setProperty(\"$SEEN\", ($expression).toString())"

        fun seen(): String? = System.getProperty(SEEN)
    }
}
