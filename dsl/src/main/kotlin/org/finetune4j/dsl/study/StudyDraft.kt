package org.finetune4j.dsl.study

import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.RecipeDraft
import org.finetune4j.dsl.Training

/** Everything that was called inside a study; it freezes into a study when all of it fits together. */
internal class StudyDraft(
    private val name: String,
    private val folder: String,
    private val seeds: List<Long>,
    private val commons: List<ArmScope.() -> Unit>,
    private val baselines: List<String>,
    private val budgets: List<Budget>,
    private val stages: List<StageDraft>,
    private val arms: List<ArmDraft>,
    private val axes: List<List<Step>>,
) {
    /** A block of an arm, and its place in a sweep if it has one. */
    class Step(val coordinate: Coordinate?, val content: ArmScope.() -> Unit)

    /** An arm as it was called. */
    class ArmDraft(val label: String, val steps: List<Step>)

    /** A stage as it was called. */
    class StageDraft(val name: String, val perSeed: Boolean, val content: ArmScope.() -> Unit)

    private val problems = mutableListOf<String>()

    /**
     * The study.
     *
     * @throws FinetuneException with everything that is wrong
     */
    fun freeze(): Study {
        if (budgets.size > 1) problems += StudyMessages.severalBudgets(budgets)
        if (baselines.size > 1) problems += StudyMessages.severalBaselines(baselines)
        val budget = budgets.firstOrNull() ?: EqualSteps()
        val study = Study(
            name,
            folder,
            seeds,
            budget,
            baselines.firstOrNull(),
            stages.map { stage -> Stage(stage.name, recipes(stage)) },
            crossed().map { draft ->
                val arm = Arm(draft.label, draft.steps.mapNotNull { it.coordinate }, emptyList())
                arm.copy(recipes = recipes(arm, draft.steps, budget))
            },
        )
        // Where a recipe is missing, what follows from that is no news.
        if (problems.isEmpty()) problems += StudyCheck.problems(study)
        if (problems.isNotEmpty()) throw FinetuneException(Messages.refused("The study '$name' is not whole", problems))
        return study
    }

    /** Every arm with every value of every axis. */
    private fun crossed(): List<ArmDraft> {
        val declared = if (arms.isEmpty() && axes.isNotEmpty()) listOf(ArmDraft("", emptyList())) else arms
        return axes.fold(declared) { made, axis -> made.flatMap { arm -> axis.map { ArmDraft(arm.label, arm.steps + it) } } }
    }

    private fun recipes(stage: StageDraft): List<Recipe> = (if (stage.perSeed) seeds else seeds.take(1)).mapNotNull { seed ->
        frozen("stage '${stage.name}'", seed, commonly(seed).fromTheBase(), listOf(stage.content))
            ?.copy(output = stageFolder(folder, stage.name, seed))
    }

    private fun recipes(arm: Arm, steps: List<Step>, budget: Budget): List<Recipe> = seeds.mapNotNull { seed ->
        frozen("arm '${arm.name}'", seed, commonly(seed), steps.map { it.content })?.let { recipe ->
            within(budget, recipe, "arm '${arm.name}'").copy(output = armFolder(folder, arm.name, seed))
        }
    }

    private fun commonly(seed: Long): RecipeDraft =
        commons.fold(null as RecipeDraft?) { usual, content -> over(usual, seed, content) } ?: over(null, seed) {}

    private fun over(usual: RecipeDraft?, seed: Long, content: ArmScope.() -> Unit): RecipeDraft =
        ArmScope(seed, usual, usual?.training ?: Training(seed = seed)).apply(content).draft()

    /** The recipe, or null when it is not whole; of seeds that fail alike, one is told. */
    private fun frozen(place: String, seed: Long, usual: RecipeDraft, contents: List<ArmScope.() -> Unit>): Recipe? = try {
        val recipe = contents.fold(usual) { draft, content -> over(draft, seed, content) }.freeze()
        if (recipe.output != null) tell(StudyMessages.ownOutput(place))
        if (recipe.training.seed != seed) tell(StudyMessages.ownSeed(place, recipe.training.seed))
        recipe
    } catch (refusal: FinetuneException) {
        tell("$place: ${refusal.message}")
        null
    }

    private fun within(budget: Budget, recipe: Recipe, place: String): Recipe {
        val training = recipe.training
        val ruled = (budget as? EqualSteps)?.count != null || (budget as? EqualSupervisedTokens)?.count != null
        if (ruled && (training.epochs != null || training.maxSteps != null)) tell(StudyMessages.ownLength(place, budget))
        return if (budget is EqualSteps && budget.count != null) {
            recipe.copy(training = training.copy(epochs = null, maxSteps = budget.count))
        } else {
            recipe
        }
    }

    private fun tell(problem: String) {
        if (problem !in problems) problems += problem
    }

    companion object {
        /** The folder of the run of [arm] with this seed. */
        fun armFolder(folder: String, arm: String, seed: Long): String = "$folder/arms/${fileName(arm)}/seed-$seed"

        /** The folder of the stage's run with this seed. */
        fun stageFolder(folder: String, stage: String, seed: Long): String = "$folder/stages/${fileName(stage)}/seed-$seed"

        /** [name] with nothing in it that a file's name may not have, or [otherwise] where nothing is left. */
        fun fileName(name: String, otherwise: String = "arm"): String =
            name.replace(Regex("[^\\p{L}\\p{N}.=_+-]+"), "-").trim('-', '.').ifEmpty { otherwise }
    }
}
