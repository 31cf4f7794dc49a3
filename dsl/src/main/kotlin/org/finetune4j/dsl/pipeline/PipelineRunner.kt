package org.finetune4j.dsl.pipeline

import com.github.ajalt.mordant.rendering.TextStyles.bold
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.TunedModel
import org.finetune4j.dsl.run.Runner
import org.finetune4j.train.RunLock
import java.nio.file.Files
import java.nio.file.Path

/**
 * Plans and runs pipelines, and shows on [terminal] what it does.
 *
 * @param trainer what the recipes are planned and run with
 */
internal class PipelineRunner(private val terminal: Terminal, trainer: Runner.Trainer = Runner.Trainer.Real) {
    private val runner = Runner(terminal, trainer)

    fun plan(pipeline: Pipeline): PipelinePlan {
        val plans = pipeline.stages.map { runner.plan(startingAnywhere(it, pipeline)) }
        val ledger = StageLedger(pipeline)
        val problems = pipeline.stages.zip(plans).flatMap { (stage, plan) -> plan.problems.map { "stage '${stage.name}': $it" } } +
            pipeline.stages.filter(ledger::startedElsewhere).map(::otherStart)
        return PipelinePlan(pipeline, plans, problems)
    }

    fun run(pipeline: Pipeline): TunedModel {
        val plan = plan(pipeline)
        if (plan.problems.isNotEmpty()) throw FinetuneException(Messages.refused("This pipeline cannot run", plan.problems))
        return RunLock.of(Path.of(pipeline.folder)).use { stages(pipeline) }
    }

    private fun stages(pipeline: Pipeline): TunedModel {
        val ledger = StageLedger(pipeline)
        val last = pipeline.stages.size - 1
        pipeline.stages.forEachIndexed { place, stage ->
            // Its predecessor may have been trained again since the plan was made.
            if (ledger.startedElsewhere(stage)) throw FinetuneException(otherStart(stage))
            terminal.println()
            terminal.println(bold("stage ${place + 1} of ${pipeline.stages.size}: ${stage.name}"))
            ledger.began(stage)
            val tuned = runner.run(stage.recipe)
            ledger.finished(stage)
            if (place == last) return tuned
            tuned.close()
        }
        error("a pipeline has at least one stage")
    }

    private fun otherStart(stage: PipelineStage) = PipelineMessages.otherStart(stage.name, checkNotNull(stage.recipe.output))

    /** A stage that is not trained yet is no problem of what continues from it. */
    private fun startingAnywhere(stage: PipelineStage, pipeline: Pipeline): Recipe {
        val start = stage.recipe.continueFrom
        val ofPipeline = pipeline.stages.any { it.recipe.output == start }
        return if (ofPipeline && !Files.isDirectory(Path.of(start.orEmpty(), "checkpoints"))) stage.recipe.copy(continueFrom = null) else stage.recipe
    }
}
