package org.finetune4j.dsl

import org.finetune4j.methods.Fragment

/** [text] as a Kotlin string literal. */
internal fun quoted(text: String): String =
    "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("$", "\\$").replace("\n", "\\n") + "\""

/** This value as a Kotlin literal, or null when it is the [usual] one and need not be written. */
internal fun String.unless(usual: String): String? = if (this == usual) null else quoted(this)

/** A call of [function] as Kotlin text; [first] goes without a name, and arguments that are null are left out. */
internal fun call(function: String, first: String?, vararg named: Pair<String, String?>): String =
    (listOfNotNull(first) + named.mapNotNull { (name, value) -> value?.let { "$name = $it" } })
        .joinToString(", ", prefix = "$function(", postfix = ")")

/** The call that makes [fragment], with every setting. */
internal fun call(fragment: Fragment): String =
    call(fragment.method().name(), null, *SettingSource.settings(fragment).map { (name, value) -> name to literal(value) }.toTypedArray())

/** [value] as Kotlin text. */
internal fun literal(value: Any): String = when (value) {
    is String -> quoted(value)
    is Enum<*> -> "${value.declaringJavaClass.simpleName}.${value.name}"
    is Fragment -> call(value)
    is SettingSource -> value.toString()
    is org.finetune4j.data.DataSource -> "null"
    is Iterable<*> -> value.joinToString(", ", prefix = "listOf(", postfix = ")") { literal(it!!) }
    else -> value.toString()
}
