package org.finetune4j.scripts.host

import java.io.File
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.name

/** The class path that scripts are compiled against and run with. */
internal class ClassPath(val entries: List<Path>) {
    /** What scripts may refer to: everything but the compiler that happens to live in the same process. */
    fun forScripts(): List<File> = entries
        .filterNot { entry -> COMPILER_JARS.any { entry.name.startsWith(it) } }
        .map(Path::toFile)

    /** One text that changes whenever a jar or a class file of the path does. */
    fun identity(): String = entries.joinToString("\n") { "$it ${stamp(it)}" }

    companion object {
        private val COMPILER_JARS = listOf("kotlin-compiler-embeddable", "kotlin-scripting-", "kotlin-daemon-embeddable")

        /** The class path that this process was started with. */
        fun ofThisProcess(): ClassPath = ClassPath(
            System.getProperty("java.class.path").split(File.pathSeparator)
                .filter(String::isNotBlank)
                .map { Path.of(it).toAbsolutePath().normalize() }
                .filter(Files::exists),
        )

        /** Size and time of change of a file, or of all files below a folder. */
        fun stamp(entry: Path): String {
            if (Files.isRegularFile(entry)) return "${Files.size(entry)} ${Files.getLastModifiedTime(entry).toMillis()}"
            Files.walk(entry).use { below ->
                return below.filter(Files::isRegularFile).sorted().map { "$it ${stamp(it)}" }.toList().hashCode().toString()
            }
        }
    }
}
