package org.finetune4j.dsl.pipeline

import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.RecipePlan

/**
 * What a pipeline would do, found without loading a weight; its text is the dry run.
 *
 * @property pipeline the pipeline
 * @property stages a plan for every stage
 * @property problems everything that refuses the pipeline, with the stage; empty when it can run
 */
public class PipelinePlan internal constructor(
    public val pipeline: Pipeline,
    public val stages: List<RecipePlan>,
    public val problems: List<String>,
) {
    override fun toString(): String {
        val shown = pipeline.stages.zip(stages).mapIndexed { place, (stage, plan) -> "stage ${place + 1}: ${stage.name}\n$plan" }
        val refusal = if (problems.isEmpty()) emptyList() else listOf(Messages.refused("This pipeline cannot run", problems))
        return (shown + refusal).joinToString("\n\n")
    }
}
