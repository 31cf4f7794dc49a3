package org.finetune4j.dsl.study

import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.dsl.json.RecipeJson
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/** What a study keeps in the folder of a run: of what it is, and when it is finished, what it measured. */
internal class TrialFolder(private val folder: Path) {
    private val identityFile = folder.resolve("study-run.json")
    private val resultFile = folder.resolve("result.json")

    /** Whether there is anything here that would be lost. */
    val holdsWork: Boolean get() = Files.exists(resultFile) || Files.exists(folder.resolve("checkpoints"))

    /** Of what the run in this folder is, or null where there is none. */
    fun identity(): TrialIdentity? = read(identityFile, TrialIdentity.serializer())

    /** What the run measured, or null when it is not finished. */
    fun result(): StudyRun? = read(resultFile, StudyRun.serializer())

    fun begin(identity: TrialIdentity): Unit = write(identityFile, TrialIdentity.serializer(), identity)

    fun finish(result: StudyRun): Unit = write(resultFile, StudyRun.serializer(), result)

    fun delete() {
        folder.toFile().deleteRecursively()
    }

    /**
     * Takes over what the run in [other] measured of the base model and of candidates before it trained. The files know what
     * they are of, so that the run only uses them where it would find the same.
     */
    fun takeOver(other: Path) {
        if (!Files.isDirectory(other)) return
        val there = Files.list(other).use { files -> files.filter { MEASURED_BEFORE.matches("${it.fileName}") && Files.isRegularFile(it) }.toList() }
        for (file in there) {
            val here = folder.resolve(file.fileName)
            if (!Files.exists(here)) AtomicFiles.onDisk().writeBytes(here, Files.readAllBytes(file))
        }
    }

    /** A file that cannot be read counts as none: the run is then gone through again, from its checkpoint. */
    private fun <T> read(file: Path, serializer: KSerializer<T>): T? = try {
        if (Files.isRegularFile(file) && Files.size(file) < MOST_BYTES) RecipeJson.json.decodeFromString(serializer, Files.readString(file)) else null
    } catch (_: SerializationException) {
        null
    } catch (_: IllegalArgumentException) {
        null
    } catch (_: IOException) {
        null
    }

    private fun <T> write(file: Path, serializer: KSerializer<T>, value: T) =
        AtomicFiles.onDisk().writeText(file, RecipeJson.json.encodeToString(serializer, value) + "\n")

    private companion object {
        const val MOST_BYTES = 1L shl 24

        /** Names of module `methods`: the measurements and scores of the untrained model. */
        val MEASURED_BEFORE = Regex("baseline\\.json|scores.*\\.safetensors")
    }
}
