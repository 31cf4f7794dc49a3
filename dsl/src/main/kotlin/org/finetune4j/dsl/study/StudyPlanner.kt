package org.finetune4j.dsl.study

import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.RecipePlan
import kotlin.math.roundToLong

/**
 * Finds what a study would do and everything that refuses it.
 *
 * @param planned plans one recipe
 */
internal class StudyPlanner(private val study: Study, private val planned: (Recipe) -> RecipePlan) {
    /** A plan and what the runs go on with. */
    class Prepared(val plan: StudyPlan, val trials: List<Trial>, val changed: Set<Trial>)

    private val identities = TrialIdentity.Finder()

    /** Of what a run is; files are read once for all of them. */
    fun identity(trial: Trial): TrialIdentity = identities.identity(trial)

    /** @param rerunChanged whether runs of other recipes are no problem */
    fun prepare(rerunChanged: Boolean): Prepared {
        val arms = study.arms.map(::plan)
        val trials = Trial.of(study) { arm -> arms.first { it.arm == arm }.steps.takeIf { counted } }
        val found = arms.flatMap { arm -> arm.plan.problems.map { "arm '${arm.arm.name}': $it" } } + stageProblems()
        val changes = if (found.isEmpty()) changes(trials) else emptyMap()
        val problems = found + (if (found.isEmpty()) budgetProblems(arms) else emptyList()) + (if (rerunChanged) emptyList() else changes.values)
        val left = trials.filter { it in changes || TrialFolder(it.folder).result() == null }
        val seconds = left.sumOf { trial -> arms.firstOrNull { it.arm.name == trial.owner }?.seconds ?: 0.0 }
        return Prepared(StudyPlan(study, arms, trials.size - left.size, left.size, seconds, problems), trials, changes.keys)
    }

    /** Whether the budget decides the steps of an arm by what is in its data. */
    private val counted get() = (study.budget as? EqualSupervisedTokens)?.count != null

    private fun plan(arm: Arm): ArmPlan {
        val recipe = startingAnywhere(arm.recipes.first())
        val budget = study.budget as? EqualSupervisedTokens ?: return planned(recipe).let { ArmPlan(arm, it, it.plan.steps(), 0, it.plan.seconds()) }
        val epoch = planned(recipe.copy(training = recipe.training.copy(epochs = 1, maxSteps = null)))
        if (epoch.problems.isNotEmpty()) return ArmPlan(arm, epoch, 0, 0, 0.0)
        val each = epoch.plan.supervisedTokens().toDouble() / epoch.plan.steps()
        val plan = planned(budget.count?.let { Trial.withSteps(recipe, maxOf(1, (it / each).roundToLong())) } ?: recipe)
        return ArmPlan(arm, plan, plan.plan.steps(), (each * plan.plan.steps()).roundToLong(), plan.plan.seconds())
    }

    private fun stageProblems(): List<String> = study.stages.flatMap { stage ->
        planned(startingAnywhere(stage.recipes.first())).problems.map { "stage '${stage.name}': $it" }
    }

    /** A stage that is not trained yet is no problem of what continues from it. */
    private fun startingAnywhere(recipe: Recipe): Recipe =
        if (study.stages.any { stage -> stage.recipes.any { it.output == recipe.continueFrom } }) recipe.copy(continueFrom = null) else recipe

    private fun budgetProblems(arms: List<ArmPlan>): List<String> = listOfNotNull(
        when (val budget = study.budget) {
            is EqualSteps -> arms.map { it.arm.name to it.steps }
                .takeIf { steps -> steps.distinctBy { it.second }.size > 1 }?.let(StudyMessages::differentSteps)
            is EqualSupervisedTokens -> arms.map { it.arm.name to it.supervisedTokens }
                .takeIf { tokens -> tokens.maxOf { it.second } > tokens.minOf { it.second } * (1 + budget.tolerance) }
                ?.let { StudyMessages.differentTokens(it, budget.tolerance) }
            DifferentBudgets -> null
        },
    )

    /** The runs that are of something else than their folder holds, with what is to be said of each. */
    private fun changes(trials: List<Trial>): Map<Trial, String> = trials.mapNotNull { trial ->
        val there = TrialFolder(trial.folder)
        val before = there.identity()?.takeIf { there.holdsWork } ?: return@mapNotNull null
        val differences = identity(trial).differences(recorded(trial, before))
        if (differences.isEmpty()) null else trial to StudyMessages.changed("$trial", "${trial.folder}", differences)
    }.toMap()

    /** What a folder says that it is of, as it would be written today; so that a new setting with a default changes no run. */
    private fun recorded(trial: Trial, before: TrialIdentity): TrialIdentity {
        val start = trial.start ?: return before.upToDate()
        val startThere = TrialFolder(start.folder).identity() ?: return before.upToDate()
        val same = before.startHash == startThere.hash && identity(start).differences(recorded(start, startThere)).isEmpty()
        return if (same) before.upToDate().behind(identity(start).hash) else before.upToDate()
    }
}
