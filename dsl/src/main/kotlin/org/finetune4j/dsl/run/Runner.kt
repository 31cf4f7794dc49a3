package org.finetune4j.dsl.run

import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.RecipePlan
import org.finetune4j.dsl.TunedModel
import org.finetune4j.dsl.show.Progress
import org.finetune4j.dsl.show.Report
import org.finetune4j.train.FineTuned
import org.finetune4j.train.FineTuning
import org.finetune4j.train.Plan
import org.finetune4j.train.TrainingListener
import java.nio.file.Files
import java.nio.file.Path

/** Plans and runs recipes with a [trainer], and shows on [terminal] what it does. */
internal class Runner(private val terminal: Terminal, private val trainer: Trainer = Trainer.Real) {
    /** What a recipe is planned and run with. */
    interface Trainer {
        fun plan(job: FineTuning): Plan

        fun run(job: FineTuning, listener: TrainingListener): FineTuned

        /** The trainer of module `methods`. */
        object Real : Trainer {
            override fun plan(job: FineTuning): Plan = job.plan()

            override fun run(job: FineTuning, listener: TrainingListener): FineTuned = job.run(listener)
        }
    }

    fun plan(recipe: Recipe): RecipePlan {
        val job = Job(recipe)
        val scratch = Files.createTempDirectory("finetune4j-plan")
        return try {
            val plan = trainer.plan(job.toTraining(job.base(scratch)))
            RecipePlan(recipe, plan, job.folder.toString(), job.problems() + plan.problems().map(Job::inRecipesWords))
        } catch (refusal: FinetuneException) {
            RecipePlan(recipe, NOTHING, job.folder.toString(), job.problems() + refusal.message.orEmpty())
        } finally {
            scratch.toFile().deleteRecursively()
        }
    }

    fun run(recipe: Recipe): TunedModel {
        val plan = plan(recipe)
        if (plan.problems.isNotEmpty()) throw FinetuneException(Messages.refused("This recipe cannot run", plan.problems))
        terminal.println(plan)
        terminal.println()
        val job = Job(recipe)
        val tuned = Interruption { terminal.println(Messages.STOPPING) }.use { train(job, it) }
        Report(terminal).show(tuned.comparisons(), tuned.answers())
        return TunedModel(recipe, job.folder.toString(), tuned)
    }

    private fun train(job: Job, interruption: Interruption): FineTuned = Progress(terminal, interruption).use { progress ->
        try {
            trainer.run(job.toTraining(job.base(job.folder.resolve(START))), progress)
        } catch (stopped: FinetuneException) {
            // A process that is ending has nobody left who would show the message.
            if (interruption.requested) terminal.println(stopped.message.orEmpty())
            throw stopped
        }
    }

    private companion object {
        /** Where a new model's configuration lies inside the run's folder. */
        const val START = "start"

        val NOTHING = Plan(emptyList(), emptyList(), 0, 0, 0, 0, 0, 0, 0, 0, 0.0, emptyList())
    }
}
