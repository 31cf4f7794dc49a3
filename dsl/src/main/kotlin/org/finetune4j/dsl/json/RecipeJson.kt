package org.finetune4j.dsl.json

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Problem
import org.finetune4j.dsl.Recipe
import org.finetune4j.methods.Fragment

/** Recipes as JSON text. */
internal object RecipeJson {
    // Defaults are written out: a stored recipe must mean the same after a default has changed.
    private val json = Json {
        prettyPrint = true
        prettyPrintIndent = "  "
        encodeDefaults = true
        // A recipe with a number that is not finite must reach its plan, which refuses it in words.
        allowSpecialFloatingPointValues = true
    }

    fun write(recipe: Recipe): String {
        val ownWork = fragments(recipe).filterNot { (_, fragment) -> FragmentJson.isPublished(fragment) }
        if (ownWork.isNotEmpty()) {
            val problems = ownWork.map { (path, fragment) -> Problem(path, Messages.definedInScript(fragment.method().name())).toString() }
            throw FinetuneException(Messages.refused("This recipe has no JSON form", problems))
        }
        return provenance(recipe)
    }

    /** As [write], but what a script defined stands there by its name, so that every run can hold its recipe. */
    fun provenance(recipe: Recipe): String = json.encodeToString(Recipe.serializer(), recipe)

    fun tree(text: String): JsonElement = json.parseToJsonElement(text)

    fun read(text: String): Recipe {
        val element = try {
            tree(text)
        } catch (failure: SerializationException) {
            throw FinetuneException(Messages.notJson(failure.message.orEmpty()), failure)
        }
        val check = JsonCheck()
        check.check(element, Recipe.serializer().descriptor, path = "")
        if (check.problems.isNotEmpty()) throw FinetuneException(Messages.refused("This is not a recipe", check.problems.map { it.toString() }))
        return json.decodeFromJsonElement(Recipe.serializer(), element)
    }

    private fun fragments(recipe: Recipe): List<Pair<String, Fragment>> =
        listOfNotNull(recipe.selector?.let { "select" to it }, "objective" to recipe.objective, recipe.adapter?.let { "adapt" to it }) +
            recipe.evaluation?.metrics.orEmpty().mapIndexed { i, metric -> "evaluate.metrics[$i]" to metric }
}
