package org.finetune4j.dsl.json

import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.DataSource
import org.finetune4j.dsl.DerivedData
import org.finetune4j.dsl.MadeData
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Mixture
import org.finetune4j.dsl.Problem
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.RecordFiles
import org.finetune4j.dsl.ScriptFilter
import org.finetune4j.dsl.SettingSource
import org.finetune4j.dsl.SqlQuery
import org.finetune4j.methods.Fragment

/** Recipes as JSON text. */
internal object RecipeJson {
    private const val SELECT = "select"

    // Defaults are written out: a stored recipe must mean the same after a default has changed.
    val json: Json = Json {
        prettyPrint = true
        prettyPrintIndent = "  "
        encodeDefaults = true
        // A recipe with a number that is not finite must reach its plan, which refuses it in words.
        allowSpecialFloatingPointValues = true
    }

    fun write(recipe: Recipe): String {
        refuseOwnWork("This recipe", ownWork(recipe))
        return provenance(recipe)
    }

    /** Refuses [thing] for what scripts defined in it. */
    fun refuseOwnWork(thing: String, ownWork: List<String>) {
        if (ownWork.isNotEmpty()) throw FinetuneException(Messages.refused("$thing has no JSON form", ownWork))
    }

    /** What scripts defined in [recipe]: one sentence each, with its path behind [prefix]. */
    fun ownWork(recipe: Recipe, prefix: String = ""): List<String> {
        val fragments = fragments(recipe).filterNot { (_, fragment) -> FragmentJson.isPublished(fragment) }
            .map { (path, fragment) -> path to fragment.method().name() }
        return (fragments + filters(recipe)).map { (path, name) -> Problem(prefix + path, Messages.definedInScript(name)).toString() }
    }

    /** As [write], but what a script defined stands there by its name, so that every run can hold its recipe. */
    fun provenance(recipe: Recipe): String = json.encodeToString(Recipe.serializer(), recipe)

    fun source(source: DataSource): JsonElement = json.encodeToJsonElement(DataSource.serializer(), source)

    /** The source that [element] describes, which must have been checked. */
    fun source(element: JsonElement): DataSource = json.decodeFromJsonElement(DataSource.serializer(), element)

    fun tree(text: String): JsonElement = json.parseToJsonElement(text)

    fun read(text: String): Recipe {
        val recipe = read(text, Recipe.serializer(), "a recipe")
        val ofScripts = ownWork(recipe)
        if (ofScripts.isNotEmpty()) throw FinetuneException(Messages.refused("This is not a recipe", ofScripts))
        return recipe
    }

    /** The [thing] that [text] holds, as [serializer] reads it; everything that does not fit is told at once. */
    fun <T> read(text: String, serializer: KSerializer<T>, thing: String): T {
        val element = try {
            withListOfSelectors(tree(text))
        } catch (failure: SerializationException) {
            throw FinetuneException(Messages.notJson(thing, failure.message.orEmpty()), failure)
        }
        val check = JsonCheck()
        check.check(element, serializer.descriptor, path = "")
        if (check.problems.isNotEmpty()) throw FinetuneException(Messages.refused("This is not $thing", check.problems.map { it.toString() }))
        return json.decodeFromJsonElement(serializer, element)
    }

    /** Recipes were written with one selector or null where there is a list now. */
    private fun withListOfSelectors(element: JsonElement): JsonElement {
        val parts = element as? JsonObject ?: return element
        return when (val given = parts[SELECT]) {
            is JsonObject -> JsonObject(parts + (SELECT to JsonArray(listOf(given))))
            is JsonNull -> JsonObject(parts - SELECT)
            else -> element
        }
    }

    /** The filters that scripts defined, with their paths. */
    private fun filters(recipe: Recipe): List<Pair<String, String>> =
        filters(recipe.data.source, "data.source") + recipe.heldOut?.let { filters(it, "heldOut") }.orEmpty() +
            fragments(recipe).filter { (_, fragment) -> FragmentJson.isPublished(fragment) }
                .flatMap { (path, fragment) -> filters(fragment, path) }

    private fun filters(fragment: Fragment, path: String): List<Pair<String, String>> = fragment.settings().flatMap { (name, value) ->
        when (value) {
            is Fragment -> filters(value, "$path.$name")
            is SettingSource -> filters(value.source, "$path.$name")
            else -> emptyList()
        }
    }

    private fun filters(source: DataSource, path: String): List<Pair<String, String>> = when (source) {
        is ScriptFilter -> filters(source.source, "$path.source") + (path to "filter")
        is DerivedData -> filters(source.source, "$path.source")
        is Mixture -> source.parts.flatMapIndexed { i, part -> filters(part.source, "$path.parts[$i].source") }
        is MadeData -> source.of.flatMapIndexed { i, of -> filters(of, "$path.of[$i]") }
        is RecordFiles, is SqlQuery -> emptyList()
    }

    /** The methods that make data, with their paths. */
    fun methods(source: DataSource, path: String): List<Pair<String, Fragment>> = when (source) {
        is DerivedData -> methods(source.source, "$path.source")
        is Mixture -> source.parts.flatMapIndexed { i, part -> methods(part.source, "$path.parts[$i].source") }
        is MadeData -> listOf("$path.by" to source.by) + source.of.flatMapIndexed { i, of -> methods(of, "$path.of[$i]") }
        is RecordFiles, is SqlQuery -> emptyList()
    }

    private fun fragments(recipe: Recipe): List<Pair<String, Fragment>> =
        recipe.selectors.mapIndexed { i, selector -> "$SELECT[$i]" to selector } +
            listOfNotNull("objective" to recipe.objective, recipe.adapter?.let { "adapt" to it }) +
            methods(recipe.data.source, "data.source") + recipe.heldOut?.let { methods(it, "heldOut") }.orEmpty() +
            recipe.evaluation?.metrics.orEmpty().mapIndexed { i, metric -> "evaluate.metrics[$i]" to metric } +
            listOfNotNull(recipe.decoder?.let { "decode" to it })
}
