package org.finetune4j.scripts.host

import org.finetune4j.checkpoint.Hashes
import java.io.File
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardCopyOption.REPLACE_EXISTING
import java.nio.file.attribute.FileTime
import java.time.Duration
import java.time.Instant

/**
 * Compiled scripts on disk. An entry `<key>.entry` names a jar by the SHA-256 of its bytes and lists every file that
 * the script pulled in with that file's state; it counts only while all of them are as they were. Files appear by
 * atomic moves, so readers never see half an entry, and whatever cannot be read counts as absent.
 */
internal class ScriptCache(private val directory: Path) {
    /** A compiled script and the other scripts that it imports. */
    class Entry(val jar: Path, val imports: List<Path>)

    /** The entry stored under [key] if it is whole and none of its inputs changed since, otherwise null. */
    fun find(key: String): Entry? = try {
        val lines = Files.readAllLines(entryFile(key))
        val jar = jarFile(lines.first())
        val inputs = lines.drop(1).map(Input::parse)
        Entry(jar, inputs.filterIsInstance<Input.Script>().map { it.file })
            .takeIf { Hashes.of(Files.readAllBytes(jar)) == lines.first() && inputs.all(Input::isUnchanged) }
    } catch (_: IOException) {
        null
    } catch (_: RuntimeException) {
        // Garbage in an entry fails in many ways (no first line, a path with a NUL); none matters: compile again.
        null
    }

    /**
     * Stores the jar that [writeJar] writes under [key], unless one of its inputs changed after [compilationStarted],
     * since then nobody knows which text was compiled. Returns whether it was stored; a full or read-only disk only
     * costs the next start its speed.
     */
    fun store(
        key: String,
        imports: List<Path>,
        libraries: List<Path>,
        compilationStarted: Instant,
        writeJar: (File) -> Unit,
    ): Boolean = try {
        if ((imports + libraries).any { Files.getLastModifiedTime(it) >= FileTime.from(compilationStarted) }) {
            false
        } else {
            Files.createDirectories(directory)
            val jarHash = publish({ jarFile(it) }) { writeJar(it.toFile()) }
            val lines = listOf(jarHash) + imports.map { Input.Script.of(it).line } + libraries.map { Input.Library.of(it).line }
            publish({ entryFile(key) }) { Files.write(it, lines) }
            forgetOldFiles()
            true
        }
    } catch (_: IOException) {
        false
    }

    /** Writes a temporary file and moves it to the place that [target] gives for its hash, which is returned. */
    private fun publish(target: (String) -> Path, write: (Path) -> Unit): String {
        val temporary = Files.createTempFile(directory, "new", ".tmp")
        try {
            write(temporary)
            val hash = Hashes.of(Files.readAllBytes(temporary))
            Files.move(temporary, target(hash), ATOMIC_MOVE, REPLACE_EXISTING)
            return hash
        } finally {
            Files.deleteIfExists(temporary)
        }
    }

    private fun forgetOldFiles() {
        val oldest = FileTime.from(Instant.now() - LIFETIME)
        Files.list(directory).use { files ->
            files.filter { Files.getLastModifiedTime(it) < oldest }.forEach(Files::deleteIfExists)
        }
    }

    private fun entryFile(key: String): Path = directory.resolve("$key.entry")

    private fun jarFile(hash: String): Path = directory.resolve("$hash.jar")

    /** A file that a compiled script depends on; [line] holds its state at the time of compilation. */
    private sealed class Input(kind: String, state: String, val file: Path) {
        val line: String = "$kind\t$state\t$file"

        abstract fun isUnchanged(): Boolean

        /** Small and edited by hand: its text counts. */
        class Script(private val hash: String, file: Path) : Input("script", hash, file) {
            override fun isUnchanged(): Boolean = Hashes.of(Files.readAllBytes(file)) == hash

            companion object {
                fun of(file: Path): Script = Script(Hashes.of(Files.readAllBytes(file)), file)
            }
        }

        /** Possibly large: its size and time of change count. */
        class Library(private val stamp: String, file: Path) : Input("library", stamp, file) {
            override fun isUnchanged(): Boolean = ClassPath.stamp(file) == stamp

            companion object {
                fun of(file: Path): Library = Library(ClassPath.stamp(file), file)
            }
        }

        companion object {
            fun parse(line: String): Input {
                val (kind, state, file) = line.split('\t', limit = 3)
                return if (kind == "script") Script(state, Path.of(file)) else Library(state, Path.of(file))
            }
        }
    }

    companion object {
        private val LIFETIME = Duration.ofDays(30)

        /** `$XDG_CACHE_HOME/finetune4j/scripts`, or the same below `~/.cache`. */
        fun defaultDirectory(): Path {
            val base = System.getenv("XDG_CACHE_HOME")?.takeIf(String::isNotBlank)?.let(Path::of)
                ?: Path.of(System.getProperty("user.home"), ".cache")
            return base.resolve("finetune4j").resolve("scripts")
        }

        /** The key of a script: its place and text, the class path and the Java version. */
        fun key(script: Path, text: String, classPath: ClassPath): String = Hashes.of(
            listOf(script.toString(), text, classPath.identity(), System.getProperty("java.version"))
                .joinToString("\u0000").toByteArray(),
        )
    }
}
