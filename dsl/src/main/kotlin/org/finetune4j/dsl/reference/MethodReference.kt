package org.finetune4j.dsl.reference

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.call
import org.finetune4j.dsl.json.FragmentJson
import org.finetune4j.dsl.literal
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Method
import org.finetune4j.methods.Methods
import org.finetune4j.methods.Settings

/**
 * What there is to know of a method, taken from its code: name, paper and defaults from the catalogue, the rest from the
 * comment of its function.
 *
 * @property name the name in recipes, such as `asft`
 * @property kind where in a recipe it stands, such as `objective`
 * @property title the paper's title, or what it is where there is no paper
 * @property source where it is defined, such as `arXiv 2509.23753`
 * @property summary what it does; blank where its function has no comment
 * @property settings its settings in the order of its definition
 * @property call the Kotlin that makes it, with every setting at its default; those without one are left out
 */
@Serializable
public data class MethodReference(
    public val name: String,
    public val kind: String,
    public val title: String,
    public val source: String,
    public val summary: String,
    public val settings: List<SettingReference>,
    public val call: String,
) {
    /** What it is called by in the recipe: the call, or the place that takes it. */
    public val place: String get() = when (kind) {
        "source", "judge" -> "an argument of other methods"
        else -> "$kind(...)"
    }

    public companion object {
        /** Every method of the catalogue, by kind and then in the catalogue's order. */
        public fun all(): List<MethodReference> = Methods.all().sortedBy { it.kind() }.map { of(it, FunctionComments.read()) }

        internal fun of(method: Method<out Fragment>, comments: FunctionComments): MethodReference {
            val comment = comments.of(method.name())
            val defaults = try {
                method.create(Settings(emptyMap<String, Any>()))
            } catch (_: FinetuneException) {
                // It cannot be made without some of its settings.
                null
            }
            return MethodReference(
                method.name(),
                method.kind().name.lowercase(),
                method.title(),
                method.source(),
                comment.summary,
                if (defaults == null) comment.parameters.map(::setting) else settings(defaults, comment),
                if (defaults == null) "${method.name()}(${comment.parameters.filter { it.default == null }.joinToString { "${it.name} = ..." }})" else call(defaults),
            )
        }

        private fun settings(fragment: Fragment, comment: FunctionComment): List<SettingReference> {
            val types = fragment.javaClass.recordComponents.associate { it.name to Types.nameOf(it.genericType) }
            return fragment.settings().map { (name, value) ->
                SettingReference(name, types[name] ?: Types.nameOf(value.javaClass), FragmentJson.toJson(value), literal(value), comment.meanings[name].orEmpty())
            }
        }

        private fun setting(parameter: FunctionComment.Parameter) =
            SettingReference(parameter.name, parameter.type, null, parameter.default, parameter.meaning)
    }
}

/**
 * A setting of a method.
 *
 * @property name its name in Kotlin and JSON
 * @property type what it takes, such as `a number`, or the constants there are
 * @property default its default as recipes in JSON have it; null where it must be given
 * @property shown its default as Kotlin; null where it must be given
 * @property meaning what it does, with its valid range where it has one; blank where its function does not say
 */
@Serializable
public data class SettingReference(
    public val name: String,
    public val type: String,
    public val default: JsonElement?,
    public val shown: String?,
    public val meaning: String,
)
