package org.finetune4j.dsl.study

import org.finetune4j.dsl.Recipe
import java.nio.file.Path

/**
 * One run of a study.
 *
 * @property owner the arm or stage that it is of
 * @property seed its seed
 * @property recipe what is trained
 * @property start the stage's run that it continues from, or null
 * @property isStage whether others continue from it, and it is no result itself
 */
internal class Trial(val owner: String, val seed: Long, val recipe: Recipe, val start: Trial?, val isStage: Boolean) {
    val folder: Path get() = Path.of(checkNotNull(recipe.output))

    override fun toString(): String = "$owner, seed $seed"

    companion object {
        /**
         * Every run of [study], of all stages and of every arm, with the steps that the budget gives the arms.
         *
         * @param steps the steps of an arm, or null where its recipes say them
         */
        fun of(study: Study, steps: (Arm) -> Long? = { null }): List<Trial> {
            val stages = mutableMapOf<String, Trial>()
            fun trial(owner: String, recipe: Recipe, isStage: Boolean) =
                Trial(owner, recipe.training.seed, recipe, stages[recipe.continueFrom], isStage)
            for (stage in study.stages) {
                stage.recipes.forEach { stages[checkNotNull(it.output)] = trial("stage ${stage.name}", it, isStage = true) }
            }
            val runs = study.seeds.indices.flatMap { i ->
                study.arms.map { arm -> trial(arm.name, steps(arm)?.let { withSteps(arm.recipes[i], it) } ?: arm.recipes[i], isStage = false) }
            }
            return stages.values + runs
        }

        /** [recipe] with so many optimiser [steps]. */
        fun withSteps(recipe: Recipe, steps: Long): Recipe = recipe.copy(training = recipe.training.copy(epochs = null, maxSteps = steps))
    }
}
