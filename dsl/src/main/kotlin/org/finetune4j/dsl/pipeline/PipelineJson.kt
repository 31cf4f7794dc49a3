package org.finetune4j.dsl.pipeline

import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.json.RecipeJson

/** Pipelines as JSON text. */
internal object PipelineJson {
    fun write(pipeline: Pipeline): String {
        RecipeJson.refuseOwnWork("This pipeline", ownWork(pipeline))
        return RecipeJson.json.encodeToString(Pipeline.serializer(), pipeline)
    }

    fun read(text: String): Pipeline {
        val pipeline = RecipeJson.read(text, Pipeline.serializer(), "a pipeline")
        val problems = ownWork(pipeline) + PipelineCheck.problems(pipeline)
        if (problems.isNotEmpty()) throw FinetuneException(Messages.refused("This is not a pipeline", problems))
        return pipeline
    }

    private fun ownWork(pipeline: Pipeline) =
        pipeline.stages.flatMapIndexed { i, stage -> RecipeJson.ownWork(stage.recipe, "stages[$i].recipe.") }
}
