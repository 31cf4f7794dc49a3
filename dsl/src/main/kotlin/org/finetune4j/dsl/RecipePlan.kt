package org.finetune4j.dsl

import org.finetune4j.train.Plan

/**
 * What a recipe would do, found without loading a weight; its text is the dry run.
 *
 * @property recipe the recipe
 * @property plan stages, models, parameters, data, steps and estimates; numbers are 0 where a problem hides them
 * @property folder where the run would keep its checkpoints and result
 * @property problems everything that refuses the run, with its place in the recipe; empty when it can run
 */
public class RecipePlan internal constructor(
    public val recipe: Recipe,
    public val plan: Plan,
    public val folder: String,
    public val problems: List<String>,
) {
    override fun toString(): String = PlanText.of(this)
}
