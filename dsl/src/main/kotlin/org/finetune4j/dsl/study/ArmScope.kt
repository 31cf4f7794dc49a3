package org.finetune4j.dsl.study

import org.finetune4j.dsl.RecipeDraft
import org.finetune4j.dsl.RecipeDsl
import org.finetune4j.dsl.RecipeScope
import org.finetune4j.dsl.Training

/**
 * The inside of `common { }`, `arm { }` and the other blocks of a study: a recipe of which only that is told in which it
 * differs. It is read once for every seed.
 *
 * @property seed the seed of the run; the order of the data, dropout and first weights follow it by themselves, and other
 *   fragments may take it, as in `grape(order = Grape.Order.RANDOM, seed = seed)`
 */
@RecipeDsl
public class ArmScope internal constructor(public val seed: Long, usual: RecipeDraft?, start: Training) : RecipeScope(usual, start) {
    /** Begins with the weights that [stage] trained; base and adapter must be those of the stage. */
    public fun continueFrom(stage: StageReference) {
        continueFrom(stage.folder(seed))
    }
}

/** A stage of the study that its arms may continue from. */
public class StageReference internal constructor(internal val folder: (seed: Long) -> String)
