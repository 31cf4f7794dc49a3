package org.finetune4j.dsl.pipeline

import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.RecipeDraft
import org.finetune4j.dsl.RecipeDsl
import org.finetune4j.dsl.RecipeScope
import org.finetune4j.dsl.Training

/**
 * The pipeline that [content] describes; nothing is read or trained yet.
 *
 * ```kotlin
 * val tuned = pipeline("curriculum") {
 *     common {
 *         base("models/tiny")
 *         adapt(lora(rank = 8))
 *         heldOut(jsonl("held-out.jsonl"))
 *         evaluate(exactMatch())
 *     }
 *     stage("easy") { data(jsonl("easy.jsonl")) }
 *     stage("hard") { data(jsonl("hard.jsonl")); objective(asft(kl = 0.1)) }
 * }.run()
 * ```
 *
 * @param folder where every stage has a folder of its own, and where the ledger of stages is
 * @throws FinetuneException when a part is missing, given twice or contradicts another; the message lists everything
 */
public fun pipeline(name: String, folder: String = "runs/$name", content: @RecipeDsl PipelineScope.() -> Unit): Pipeline =
    PipelineScope(name, folder).apply(content).freeze()

/** The inside of `pipeline { }`: what its stages have in common, and the stages in their order. */
@RecipeDsl
public class PipelineScope internal constructor(private val name: String, private val folder: String) {
    private val commons = mutableListOf<RecipeScope.() -> Unit>()
    private val stages = mutableListOf<Pair<String, RecipeScope.() -> Unit>>()

    /** What all stages have in common; base and adapter stand here, for weights cross from stage to stage. */
    public fun common(content: @RecipeDsl RecipeScope.() -> Unit) {
        commons += content
    }

    /** The next stage: the common recipe with what [content] says in the place of it, from the weights of the stage before. */
    public fun stage(name: String, content: @RecipeDsl RecipeScope.() -> Unit) {
        stages += name to content
    }

    internal fun freeze(): Pipeline {
        val usual = commons.fold(null as RecipeDraft?) { before, content -> over(before, content) }
        val problems = mutableListOf<String>()
        val frozen = stages.mapIndexedNotNull { place, (stage, content) ->
            try {
                val recipe = over(usual, content).freeze()
                if (recipe.output != null) problems += PipelineMessages.ownOutput(stage)
                if (recipe.continueFrom != null && place > 0) problems += PipelineMessages.ownStart(stage)
                val start = if (place == 0) recipe.continueFrom else StageFolders.of(folder, place - 1, stages[place - 1].first)
                PipelineStage(stage, recipe.copy(output = StageFolders.of(folder, place, stage), continueFrom = start))
            } catch (refusal: FinetuneException) {
                problems += "stage '$stage': ${refusal.message}"
                null
            }
        }
        val pipeline = Pipeline(name, folder, frozen)
        // Where a stage is not whole, what follows from that is no news.
        if (problems.isEmpty()) problems += PipelineCheck.problems(pipeline)
        if (problems.isNotEmpty()) throw FinetuneException(Messages.refused("The pipeline '$name' is not whole", problems))
        return pipeline
    }

    private fun over(usual: RecipeDraft?, content: RecipeScope.() -> Unit): RecipeDraft =
        RecipeScope(usual, usual?.training ?: Training()).apply(content).draft()
}
