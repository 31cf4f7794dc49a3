package org.finetune4j.dsl.json

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.longOrNull
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.DataSource
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.Problem
import org.finetune4j.dsl.SettingSource
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Method
import org.finetune4j.methods.Methods
import org.finetune4j.methods.Settings

/**
 * Fragments as JSON objects: the method's name under `method` and each setting under its own name. What a method is made
 * of is known to the catalogue of methods alone, so nothing here changes when a method is added.
 */
internal object FragmentJson {
    private const val METHOD = "method"
    private const val DEFINED_IN = "definedIn"

    /** Whether the catalogue can make [fragment] again from its name and settings. */
    fun isPublished(fragment: Fragment): Boolean = Methods.all().any { it == fragment.method() } &&
        fragment.settings().values.filterIsInstance<Fragment>().all { isPublished(it) }

    fun write(fragment: Fragment): JsonObject = buildJsonObject {
        put(METHOD, JsonPrimitive(fragment.method().name()))
        if (isPublished(fragment)) {
            SettingSource.settings(fragment).forEach { (name, value) -> put(name, toJson(value)) }
        } else {
            put(DEFINED_IN, JsonPrimitive("script"))
        }
    }

    /** The fragment that [element] describes; [onProblem] hears what is wrong with it, and null is returned. */
    fun read(kind: Method.Kind, element: JsonElement, path: String, onProblem: (Problem) -> Unit): Fragment? {
        fun refuse(at: String, message: String): Fragment? = null.also { onProblem(Problem(at, message)) }

        val parts = element as? JsonObject
            ?: return refuse(path, Messages.wrongType(element.toString(), "an object with a \"$METHOD\""))
        val name = (parts[METHOD] as? JsonPrimitive)?.contentOrNull
            ?: return refuse(path, Messages.missingKey(METHOD))
        if (DEFINED_IN in parts) return refuse(path, Messages.definedInScript(name))
        val offered = Methods.all().filter { it.kind() == kind }
        val method = offered.firstOrNull { it.name() == name }
            ?: return refuse("$path.$METHOD", Messages.unknownMethod(name, kind, offered.map { it.name() }))

        val given = parts - METHOD
        val known = method.create(Settings(emptyMap<String, Any>())).settings().keys
        val unknown = given.keys.filter { it !in known }
        unknown.forEach { onProblem(Problem("$path.$it", Messages.unknownKey(it, known))) }
        if (unknown.isNotEmpty()) return null
        val wrong = sources(given, path).flatMap { (at, source) -> JsonCheck.problems(source, DataSource.serializer().descriptor, at) }
        wrong.forEach(onProblem)
        if (wrong.isNotEmpty()) return null
        return try {
            method.create(Settings(given.mapValues { (_, value) -> fromJson(value) }))
        } catch (refusal: FinetuneException) {
            refuse(path, refusal.message.orEmpty())
        }
    }

    private fun isSource(element: JsonElement) = element is JsonObject && JsonCheck.TYPE in element && METHOD !in element

    /** The sources of samples among [settings] and those of fragments in them, with their paths. */
    private fun sources(settings: Map<String, JsonElement>, path: String): List<Pair<String, JsonElement>> =
        settings.flatMap { (name, value) ->
            when {
                isSource(value) -> listOf("$path.$name" to value)
                value is JsonObject -> sources(value, "$path.$name")
                else -> emptyList()
            }
        }

    /** [value] of a setting as JSON. */
    fun toJson(value: Any): JsonElement = when (value) {
        is Boolean -> JsonPrimitive(value)
        is Number -> JsonPrimitive(value)
        is Enum<*> -> JsonPrimitive(value.name.lowercase())
        is Iterable<*> -> JsonArray(value.map { toJson(it!!) })
        is Fragment -> write(value)
        is SettingSource -> RecipeJson.source(value.source)
        // A source that no recipe named is the method's default.
        is org.finetune4j.data.DataSource -> JsonNull
        else -> JsonPrimitive(value.toString())
    }

    private fun fromJson(element: JsonElement): Any = when (element) {
        is JsonArray -> element.map { fromJson(it) }
        is JsonPrimitive -> when {
            element.isString -> element.content
            else -> element.booleanOrNull ?: element.longOrNull ?: element.doubleOrNull ?: element.content
        }
        // A source of samples says its type, and a fragment its method.
        is JsonObject if isSource(element) -> SettingSource(RecipeJson.source(element))
        // A fragment in a setting, which Settings makes of its method's name and settings.
        is JsonObject -> element.filterValues { it !is JsonNull }.mapValues { (_, value) -> fromJson(value) }
        is JsonNull -> element.toString()
    }
}
