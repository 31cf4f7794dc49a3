package org.finetune4j.dsl.pipeline

/** What makes a pipeline one that cannot be run, found without reading a file. */
internal object PipelineCheck {
    fun problems(pipeline: Pipeline): List<String> = listOfNotNull(
        PipelineMessages.NO_NAME.takeIf { pipeline.name.isBlank() },
        PipelineMessages.NO_STAGES.takeIf { pipeline.stages.isEmpty() },
        pipeline.stages.map { it.name }.let { names -> names.firstOrNull { name -> names.count { it == name } > 1 } }
            ?.let(PipelineMessages::sameName),
    ) + pipeline.stages.zipWithNext().flatMap { (before, after) -> changed(before, after) } +
        pipeline.stages.dropLast(1).filter { it.recipe.training.checkpointEvery < 1 }.map { PipelineMessages.noCheckpoints(it.name) } +
        folders(pipeline)

    /** Weights fit only the base and the adapter that they were trained with. */
    private fun changed(before: PipelineStage, after: PipelineStage): List<String> = listOfNotNull(
        PipelineMessages.otherPart(before.name, after.name, "base", "${before.recipe.base}", "${after.recipe.base}")
            .takeIf { before.recipe.base != after.recipe.base },
        PipelineMessages.otherPart(
            before.name, after.name, "adapter", "${before.recipe.adapter ?: "none"}", "${after.recipe.adapter ?: "none"}",
        ).takeIf { before.recipe.adapter != after.recipe.adapter },
    )

    /** A pipeline of JSON may name other folders than its own stages'. */
    private fun folders(pipeline: Pipeline): List<String> = pipeline.stages.mapIndexedNotNull { place, stage ->
        val own = StageFolders.of(pipeline.folder, place, stage.name)
        val start = if (place == 0) stage.recipe.continueFrom else pipeline.stages[place - 1].recipe.output
        PipelineMessages.otherFolder(stage.name, own).takeIf { stage.recipe.output != own || stage.recipe.continueFrom != start }
    }
}
