package org.finetune4j.dsl.study

import org.finetune4j.dsl.Recipe

/** What makes a study one that cannot be run, found without reading a file. */
internal object StudyCheck {
    fun problems(study: Study): List<String> = listOfNotNull(
        StudyMessages.NO_NAME.takeIf { study.name.isBlank() },
        StudyMessages.NO_SEEDS.takeIf { study.seeds.isEmpty() },
        study.seeds.takeIf { it.distinct().size < it.size }?.let(StudyMessages::repeatedSeeds),
        StudyMessages.NO_ARMS.takeIf { study.arms.isEmpty() },
        budget(study.budget),
        study.baseline?.let { baseline(study, it) },
    ) + names("arms", study.arms.map { it.name }) + names("stages", study.stages.map { it.name }) + runs(study) + equalArms(study)

    private fun budget(budget: Budget): String? = when (budget) {
        is EqualSteps -> budget.count?.takeIf { it < 1 }?.let { StudyMessages.outOfRange("equalSteps", "count", "$it", "at least 1") }
        is EqualSupervisedTokens -> budget.count?.takeIf { it < 1 }
            ?.let { StudyMessages.outOfRange("equalSupervisedTokens", "count", "$it", "at least 1") }
            ?: budget.tolerance.takeIf { !(it > 0 && it < 1) }
                ?.let { StudyMessages.outOfRange("equalSupervisedTokens", "tolerance", "$it", "above 0 and below 1") }
        DifferentBudgets -> null
    }

    private fun baseline(study: Study, name: String): String? {
        val families = study.arms.map { it.family }.distinct()
        return if (name in families) null else StudyMessages.noBaseline(name, families)
    }

    /** Two names that differ only in what a file's name may not have would share a folder. */
    private fun names(what: String, names: List<String>): List<String> = names.groupBy(StudyDraft::fileName).values
        .filter { it.size > 1 }.map { StudyMessages.sameName(what, it) }

    private fun runs(study: Study): List<String> = study.arms.mapNotNull { arm ->
        val seeds = arm.recipes.map { it.training.seed }
        if (seeds == study.seeds) null else StudyMessages.otherSeeds(arm.name, seeds, study.seeds)
    } + study.stages.mapNotNull { stage ->
        val seeds = stage.recipes.map { it.training.seed }
        if (seeds == study.seeds || seeds == study.seeds.take(1)) null else StudyMessages.otherSeeds(stage.name, seeds, study.seeds)
    }

    /** Arms that are equal compare nothing: somewhere a block does not do what it was meant to. */
    private fun equalArms(study: Study): List<String> = study.arms.groupBy { arm -> arm.recipes.map(::apartFromOutput) }.values
        .filter { it.size > 1 }.map { arms -> StudyMessages.equalArms(arms.map { it.name }) }

    private fun apartFromOutput(recipe: Recipe): Recipe = recipe.copy(output = null)
}
