package org.finetune4j.dsl.pipeline

import kotlinx.serialization.SerializationException
import kotlinx.serialization.Serializable
import kotlinx.serialization.builtins.ListSerializer
import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.checkpoint.Hashes
import org.finetune4j.dsl.ModelFolder
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.UntrainedModel
import org.finetune4j.dsl.json.RecipeJson
import org.finetune4j.dsl.study.RunLog
import org.finetune4j.model.ModelConfig
import java.nio.file.Files
import java.nio.file.Path

/**
 * What a stage of a pipeline was.
 *
 * @property stage its name
 * @property folder its run's folder
 * @property data what it trained on
 * @property recipe SHA-256 of its recipe as JSON
 * @property startedFrom SHA-256 of the manifest of the checkpoint that it began with; empty for the base's weights
 * @property weights SHA-256 of the manifest of its last checkpoint, which holds the hash of the weights;
 *   empty while the stage is not finished
 * @property steps optimiser steps
 * @property tokens tokens fed to the model in training
 * @property longestSequence the longest sample that it allowed, in tokens
 * @property rotaryBase base of the rotary frequencies, or null for a model with none or several
 */
@Serializable
public data class LedgerEntry(
    public val stage: String,
    public val folder: String,
    public val data: String,
    public val recipe: String,
    public val startedFrom: String,
    public val weights: String,
    public val steps: Long,
    public val tokens: Long,
    public val longestSequence: Int,
    public val rotaryBase: Double?,
)

/** The file `stages.json` in the folder of [pipeline]. */
internal class StageLedger(private val pipeline: Pipeline) {
    private val file = Path.of(pipeline.folder, "stages.json")

    /** What is in it; an unreadable one counts as none, for every entry can be made again. */
    fun read(): List<LedgerEntry> = try {
        if (Files.isRegularFile(file)) RecipeJson.json.decodeFromString(ENTRIES, Files.readString(file)) else emptyList()
    } catch (_: SerializationException) {
        emptyList()
    }

    /** Whether [stage] was made from other weights than it would begin with now. */
    fun startedElsewhere(stage: PipelineStage): Boolean {
        val entry = read().firstOrNull { it.stage == stage.name } ?: return false
        return Files.isDirectory(Path.of(entry.folder, CHECKPOINTS)) && entry.startedFrom != start(stage.recipe)
    }

    /** Writes what [stage] begins with, so that it is known of a run that does not come to its end. */
    fun began(stage: PipelineStage): Unit = write(stage, weights = "")

    /** Writes that [stage] is finished; entries of later stages stay. */
    fun finished(stage: PipelineStage): Unit = write(stage, weights(checkNotNull(stage.recipe.output)))

    private fun write(stage: PipelineStage, weights: String) {
        val folder = checkNotNull(stage.recipe.output)
        val log = RunLog.read(Path.of(folder))
        val entry = LedgerEntry(
            stage.name, folder, "${stage.recipe.data}", Hashes.of(RecipeJson.provenance(stage.recipe)), start(stage.recipe),
            weights, log.steps, log.tokens, stage.recipe.training.maxLength, rotaryBase(stage.recipe),
        )
        val others = read().filter { it.stage != stage.name } + entry
        val ordered = pipeline.stages.mapNotNull { named -> others.firstOrNull { it.stage == named.name } }
        AtomicFiles.onDisk().writeText(file, RecipeJson.json.encodeToString(ENTRIES, ordered) + "\n")
    }

    private fun start(recipe: Recipe): String = recipe.continueFrom?.let(::weights).orEmpty()

    /** The latest checkpoint's manifest has the hash of each of its files. */
    private fun weights(folder: String): String {
        val checkpoints = Path.of(folder, CHECKPOINTS)
        if (!Files.isDirectory(checkpoints)) return ""
        val finished = Files.list(checkpoints).use { all -> all.filter { CHECKPOINT.matches("${it.fileName}") }.toList() }
        val latest = finished.maxWithOrNull(compareBy({ "${it.fileName}".length }, { "${it.fileName}" })) ?: return ""
        return Hashes.of(Files.readAllBytes(latest.resolve(MANIFEST)))
    }

    private fun rotaryBase(recipe: Recipe): Double? = when (val base = recipe.base) {
        is UntrainedModel -> base.shape.ropeTheta
        is ModelFolder -> ModelConfig.read(Path.of(base.path)).architecture().blocks().mapNotNull { it.attention().rotary()?.theta() }
            .distinct().singleOrNull()
    }

    private companion object {
        const val CHECKPOINTS = "checkpoints"
        const val MANIFEST = "manifest.json"
        val CHECKPOINT = Regex("step-\\d+")
        val ENTRIES = ListSerializer(LedgerEntry.serializer())
    }
}
