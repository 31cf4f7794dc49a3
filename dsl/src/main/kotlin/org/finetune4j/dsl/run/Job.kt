package org.finetune4j.dsl.run

import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.checkpoint.Hashes
import org.finetune4j.dsl.DataSource
import org.finetune4j.dsl.DerivedData
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.ModelFolder
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.SettingSource
import org.finetune4j.dsl.SplitSide
import org.finetune4j.dsl.Training
import org.finetune4j.dsl.Turns
import org.finetune4j.dsl.UntrainedModel
import org.finetune4j.dsl.json.RecipeJson
import org.finetune4j.methods.data.InContext
import org.finetune4j.methods.evaluate.Forgetting
import org.finetune4j.methods.select.BatchMethod
import org.finetune4j.methods.select.EachEpoch
import org.finetune4j.methods.select.Selector
import org.finetune4j.train.BaseModel
import org.finetune4j.train.Evaluation
import org.finetune4j.train.FineTuning
import org.finetune4j.train.MemoryUse
import org.finetune4j.train.TrainSettings
import java.nio.file.Files
import java.nio.file.Path

/** A recipe as the trainer takes it. */
internal class Job(private val recipe: Recipe) {
    /** Where the run keeps its checkpoints: as the recipe says, or under a name that only an equal recipe has. */
    val folder: Path = Path.of(recipe.output ?: "runs/${fingerprint()}")

    /** The recipe inside the run's folder. */
    val recipeFile: Path get() = folder.resolve("recipe.json")

    /** Writes [recipeFile]; a fragment that a script defined stands there by its name. */
    fun writeRecipe(): Unit = AtomicFiles.onDisk().writeText(recipeFile, RecipeJson.provenance(recipe))

    /** What the trainer cannot know, because it does not get that far: one sentence each, with its path. */
    fun problems(): List<String> = listOfNotNull(
        recipe.evaluation?.let { if (recipe.heldOut == null) "evaluate: ${Messages.NO_HELD_OUT}" else null },
        recipe.decoder?.let { if (recipe.heldOut == null) "decode: ${Messages.NO_HELD_OUT}" else null },
        recipe.heldOut?.let { if (it == recipe.data.source) "heldOut: ${Messages.heldOutIsTrainedOn(it)}" else null },
        recipe.evaluation?.metrics?.filterIsInstance<Forgetting>()?.map { it.on() }?.filterIsInstance<SettingSource>()
            ?.firstOrNull { it.source == recipe.data.source }?.let { "evaluate: ${Messages.heldOutIsTrainedOn(it.source)}" },
        RecipeJson.methods(recipe.data.source, "data.source").firstOrNull { (_, by) -> by is InContext }
            ?.takeIf { recipe.data.template.supervise != Turns.LAST }?.let { (path, _) -> "$path: ${Messages.DEMONSTRATIONS_LEARNED}" },
        recipe.data.template.file?.let { if (Files.isRegularFile(Path.of(it))) null else "data.template: ${Messages.noTemplate(it)}" },
        recipe.continueFrom?.let {
            if (Files.isDirectory(Path.of(it, "checkpoints"))) null else "continueFrom: ${Messages.nothingToContinue(it)}"
        },
    )

    /** The trainer's job; [base] is the folder of the model's files. */
    fun toTraining(base: BaseModel): FineTuning {
        val builder = FineTuning.builder(base, withCandidates(recipe.data.source).open(), recipe.objective)
            .train(settings(recipe.training))
            .runFolder(folder)
            .recipe(RecipeJson.provenance(recipe))
            .supervision(recipe.data.template.supervision())
            .kernels(System.getProperty(KERNELS, "onednn"))
        dataCache()?.let(builder::dataCache)
        recipe.data.template.file?.let { Path.of(it) }?.takeIf { Files.isRegularFile(it) }
            ?.let { builder.chatTemplate(Files.readString(it)) }
        selectors().forEach(builder::selector)
        recipe.selectors.filterIsInstance<EachEpoch>().forEach { builder.epochSelector(it.selector()) }
        recipe.selectors.filterIsInstance<BatchMethod>().forEach(builder::batchMethod)
        recipe.adapter?.let(builder::adapter)
        recipe.continueFrom?.let { builder.continueFrom(Path.of(it)) }
        recipe.heldOut?.let { samples ->
            val asked = recipe.evaluation ?: org.finetune4j.dsl.Evaluation(metrics = emptyList())
            builder.evaluation(Evaluation(heldOut(samples).open(), asked.metrics, asked.maxNewTokens, recipe.decoder))
        }
        return builder.build()
    }

    /** What the trainer starts from; files of a model that is new are written as folder [start]. */
    fun base(start: Path): BaseModel = when (val base = recipe.base) {
        is ModelFolder -> BaseModel.Pretrained(Path.of(base.path))
        is UntrainedModel -> BaseModel.Fresh(NewModelFolder.write(base, recipe.training.precision, start), recipe.training.seed)
    }

    private fun selectors(): List<Selector> = recipe.selectors.filterIsInstance<Selector>()

    private fun withCandidates(data: DataSource): DataSource =
        recipe.selectors.mapNotNull { if (it is EachEpoch) it.selector() else it as? Selector }
            .firstOrNull { it.candidates().isNotEmpty() }?.let { data.withCandidates(it.candidates()) } ?: data

    /** Both sides of a split have records of one kind, so candidates have one name in them. */
    private fun heldOut(samples: DataSource): DataSource =
        if (splitOf(samples)?.let { it == splitOf(recipe.data.source) } == true) withCandidates(samples) else samples

    private fun splitOf(data: DataSource): DataSource? =
        generateSequence(data) { (it as? DerivedData)?.source }.filterIsInstance<SplitSide>().firstOrNull()?.source

    private fun fingerprint(): String = Hashes.of(RecipeJson.provenance(recipe)).take(10)

    companion object {
        /** The system property that chooses the kernels: `onednn` (the default) or `nd4j`. */
        const val KERNELS = "finetune4j.kernels"

        /** The system property with the folder where encoded data are kept for other runs, or `off`. */
        const val DATA_CACHE = "finetune4j.dataCache"

        private fun dataCache(): Path? = when (val given = System.getProperty(DATA_CACHE)) {
            "off" -> null
            null -> userCache(System.getenv("XDG_CACHE_HOME")).resolve("finetune4j/data")
            else -> Path.of(given)
        }

        /** The folder of the user's caches; by the XDG specification a [given] one that is not absolute counts as none. */
        internal fun userCache(given: String?): Path =
            given?.let(Path::of)?.takeIf(Path::isAbsolute) ?: Path.of(System.getProperty("user.home"), ".cache")

        fun settings(training: Training): TrainSettings {
            val builder = TrainSettings.builder()
                .tokensPerBatch(training.tokensPerBatch)
                .accumulate(training.accumulate)
                .schedule(training.schedule.curve)
                .cycles(training.schedule.cycles)
                .warmupFraction(training.schedule.warmup)
                .weightDecay(training.optimizer.weightDecay)
                .betas(training.optimizer.beta1, training.optimizer.beta2)
                .epsilon(training.optimizer.epsilon)
                .clip(training.clip ?: Double.POSITIVE_INFINITY)
                .precision(training.precision)
                .frozenWeights(training.frozenWeights)
                .seed(training.seed)
                .maxLength(training.maxLength)
                .tooLong(training.tooLong)
                .evaluateEvery(training.evaluateEvery)
                .checkpointEvery(training.checkpointEvery)
                .keepCheckpoints(training.keepCheckpoints)
            if (training.memory.use == MemoryUse.BLOCKS) builder.recomputedBlocks(training.memory.blocks) else builder.memory(training.memory.use)
            training.optimizer.lr?.let(builder::learningRate)
            training.epochs?.let(builder::epochs)
            training.maxSteps?.let(builder::maxSteps)
            return builder.build()
        }

        private val NAMES = mapOf(
            "train.learningRate" to "train.optimizer.lr",
            "train.weightDecay" to "train.optimizer.weightDecay",
            "train.beta1" to "train.optimizer.beta1",
            "train.beta2" to "train.optimizer.beta2",
            "train.epsilon" to "train.optimizer.epsilon",
            "train.recomputedBlocks" to "train.memory.blocks",
            "train.cycles" to "train.schedule.cycles",
            "train.warmupFraction" to "train.schedule.warmup",
        )

        private val NAME = Regex(NAMES.keys.joinToString("|", prefix = "\\b(?:", postfix = ")\\b") { Regex.escape(it) })

        /** The trainer's [sentence] with the paths that its settings have in a recipe. */
        fun inRecipesWords(sentence: String): String = NAME.replace(sentence) { NAMES.getValue(it.value) }
    }
}
