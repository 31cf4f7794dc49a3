package org.finetune4j.dsl.run

import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.RecipePlan
import org.finetune4j.dsl.RecipePreview
import org.finetune4j.dsl.TunedModel
import org.finetune4j.dsl.show.Progress
import org.finetune4j.dsl.show.Report
import org.finetune4j.train.BaseModel
import org.finetune4j.train.DataSummary
import org.finetune4j.train.FineTuned
import org.finetune4j.train.FineTuning
import org.finetune4j.train.MemoryEstimate
import org.finetune4j.train.Plan
import org.finetune4j.train.TrainingListener
import java.nio.file.Files
import java.nio.file.Path

/** Plans and runs recipes with a [trainer], and shows on [terminal] what it does. */
internal class Runner(private val terminal: Terminal, private val trainer: Trainer = Trainer.Real) {
    /** What a recipe is planned and run with. */
    fun interface Trainer {
        fun prepare(job: FineTuning): Prepared

        /** The trainer of module `methods`. */
        object Real : Trainer {
            override fun prepare(job: FineTuning): Prepared = object : Prepared {
                private val run = job.prepare()

                override val plan: Plan get() = run.plan()

                override fun run(base: BaseModel, listener: TrainingListener): FineTuned = run.startingFrom(base).run(listener)
            }
        }
    }

    /** A job that was planned; it runs with the data that planning read. */
    interface Prepared {
        val plan: Plan

        fun run(base: BaseModel, listener: TrainingListener): FineTuned
    }

    fun plan(recipe: Recipe): RecipePlan = prepare(recipe).first

    private fun prepare(recipe: Recipe): Pair<RecipePlan, Prepared?> {
        val job = Job(recipe)
        return withScratch { scratch ->
            try {
                val prepared = trainer.prepare(job.toTraining(job.base(scratch.resolve(START))))
                val plan = told(prepared.plan, scratch, job)
                RecipePlan(recipe, plan, job.folder.toString(), job.problems() + plan.problems()) to prepared
            } catch (refusal: FinetuneException) {
                RecipePlan(recipe, NOTHING, job.folder.toString(), job.problems() + refusal.message.orEmpty()) to null
            }
        }
    }

    /** The first [count] samples as the model would see them. */
    fun preview(recipe: Recipe, count: Int): RecipePreview {
        val job = Job(recipe)
        return withScratch { RecipePreview(job.toTraining(job.base(it.resolve(START))).preview(count)) }
    }

    private fun <T> withScratch(use: (Path) -> T): T {
        val scratch = Files.createTempDirectory("finetune4j-plan")
        return try {
            use(scratch)
        } finally {
            scratch.toFile().deleteRecursively()
        }
    }

    /** Runs [recipe]; [briefly] shows only how it goes on, for what is told of it as a part of something larger. */
    fun run(recipe: Recipe, briefly: Boolean = false): TunedModel {
        val (plan, prepared) = prepare(recipe)
        if (prepared == null || plan.problems.isNotEmpty()) throw FinetuneException(Messages.refused("This recipe cannot run", plan.problems))
        if (!briefly) {
            terminal.println(plan)
            terminal.println()
        }
        val job = Job(recipe)
        // At the start for a run that does not come to its end; at its end, for by then it surely is this recipe's
        // folder.
        if (!Files.exists(job.recipeFile)) job.writeRecipe()
        val tuned = Interruption { terminal.println(Messages.STOPPING) }.use { train(job, prepared, it) }
        job.writeRecipe()
        if (!briefly) Report(terminal).show(tuned.comparisons(), tuned.answers())
        return TunedModel(recipe, job.folder.toString(), tuned)
    }

    /** The [plan] whose problems use the recipe's words, and name the run's folder in place of the [scratch] one. */
    private fun told(plan: Plan, scratch: Path, job: Job): Plan = plan.withProblems(
        plan.problems().map { Job.inRecipesWords(it.replace("${scratch.resolve(START)}", "${job.folder.resolve(START)}")) },
    )

    private fun train(job: Job, prepared: Prepared, interruption: Interruption): FineTuned = Progress(terminal, interruption).use { progress ->
        try {
            prepared.run(job.base(job.folder.resolve(START)), progress)
        } catch (stopped: FinetuneException) {
            val refusal = inRecipesWords(stopped)
            // A process that is ending has nobody left who would show the message.
            if (interruption.requested) terminal.println(refusal.message.orEmpty())
            throw refusal
        }
    }

    private fun inRecipesWords(stopped: FinetuneException): FinetuneException {
        val message = stopped.message.orEmpty()
        val inRecipe = Job.inRecipesWords(message)
        return if (inRecipe == message) stopped else FinetuneException(inRecipe, stopped)
    }

    private companion object {
        /** Where a new model's configuration lies inside the run's folder. */
        const val START = "start"

        val NOTHING = Plan(emptyList(), emptyList(), 0, 0, 0, 0, 0, 0, 0, MemoryEstimate.UNKNOWN, 0.0, DataSummary.NONE, emptyList())
    }
}
