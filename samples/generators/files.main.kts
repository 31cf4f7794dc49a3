/*
 * How the generators write files.
 */
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/** Writes [lines] to [file] in UTF-8, each ended by a line feed; an old file stays whole until the new is complete. */
fun writeLines(file: Path, lines: Sequence<String>) {
    Files.createDirectories(file.toAbsolutePath().parent)
    val draft = file.resolveSibling("${file.fileName}.draft")
    Files.newBufferedWriter(draft).use { writer -> lines.forEach { writer.append(it).append('\n') } }
    Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING)
}
