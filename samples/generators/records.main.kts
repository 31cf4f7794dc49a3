/*
 * How the generators write records of any fields.
 */

/** One line of JSON with these [fields] in order; values are texts, numbers, truth values, and lists and maps of them. */
fun record(vararg fields: Pair<String, Any>): String = json(mapOf(*fields))

private fun json(value: Any?): String = when (value) {
    is Map<*, *> -> value.entries.joinToString(", ", "{", "}") { (name, held) -> "${json("$name")}: ${json(held)}" }
    is List<*> -> value.joinToString(", ", "[", "]") { json(it) }
    // The generators write printable ASCII and line breaks only, so these three escapes are all that JSON needs.
    is String -> "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\""
    else -> "$value"
}
