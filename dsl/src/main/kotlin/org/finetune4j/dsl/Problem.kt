package org.finetune4j.dsl

/**
 * Why a recipe cannot run, or may not do what its author meant.
 *
 * @property path where in the recipe, such as `adapt.rank`
 * @property message what was found, why it is refused and what to do
 */
internal data class Problem(val path: String, val message: String) {
    override fun toString(): String = "$path: $message"
}
