package org.finetune4j.dsl

import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.dsl.run.Runner
import kotlin.system.exitProcess

/** Read by [finetune] and studies: when this system property is `true`, the plan is shown and the process ends without training. */
private const val DRY_RUN = "finetune4j.dryRun"

/**
 * The recipe that [content] describes; nothing is read or trained yet.
 *
 * ```kotlin
 * val recipe = recipe {
 *     base("models/tiny")
 *     data(jsonl("train.jsonl"), chatTemplate())
 *     objective(asft(kl = 0.1))
 *     adapt(lora(rank = 8))
 *     train { epochs = 2; optimizer = adamW(lr = 2e-4) }
 * }
 * println(recipe.plan())
 * val tuned = recipe.run()
 * ```
 *
 * @throws org.finetune4j.FinetuneException when a part is missing or given twice
 */
public fun recipe(content: @RecipeDsl RecipeScope.() -> Unit): Recipe = RecipeScope().apply(content).draft().freeze()

/**
 * Runs the recipe that [content] describes, with its plan, progress and measurements shown, and returns the tuned
 * model.
 *
 * Under `finetune run --dry-run` the plan is shown and the process ends.
 *
 * @throws org.finetune4j.FinetuneException when the recipe cannot run, or a guard stops it
 */
public fun finetune(content: @RecipeDsl RecipeScope.() -> Unit): TunedModel {
    val recipe = recipe(content)
    if (isDryRun) recipe.plan().let { endDryRun(it, it.problems) }
    return recipe.run()
}

/** Whether plans are to be shown in the place of runs. */
internal val isDryRun: Boolean get() = System.getProperty(DRY_RUN) == "true"

/** Shows a [plan] and ends the process; with [problems], as one that refused. */
internal fun endDryRun(plan: Any, problems: List<String>): Nothing {
    Terminal().println(plan)
    exitProcess(if (problems.isEmpty()) 0 else EXIT_REFUSED)
}

/** The exit code of a process whose recipe was refused. */
private const val EXIT_REFUSED = 2

/** What this recipe would do and everything that refuses it, found without loading a weight; print it for a dry run. */
public fun Recipe.plan(): RecipePlan = Runner(Terminal()).plan(this)

/**
 * The first [samples] samples as the model would see them, with what it learns marked; only as many are read. Print it,
 * or show it in a notebook.
 *
 * @throws org.finetune4j.FinetuneException when the tokenizer or the data cannot be read
 */
public fun Recipe.preview(samples: Int = 3): RecipePreview = Runner(Terminal()).preview(this, samples)

/**
 * Trains, with the plan, progress and measurements shown on [terminal].
 *
 * A run of an equal recipe that was stopped goes on from its last checkpoint; to start afresh, delete its folder or
 * name another one by `output(...)`. Ctrl-C ends the step in hand, writes a checkpoint and then ends the process.
 *
 * @throws org.finetune4j.FinetuneException when the recipe cannot run, or a guard stops it
 */
public fun Recipe.run(terminal: Terminal = Terminal()): TunedModel = Runner(terminal).run(this)
