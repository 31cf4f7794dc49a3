package org.finetune4j.dsl.reference

/**
 * A function that makes a fragment, as its source has it.
 *
 * @property summary the comment up to its first tag, a paragraph a line
 * @property parameters its parameters in order
 */
internal class FunctionComment(val summary: String, val parameters: List<Parameter>) {
    /** A parameter; [default] is null where it must be given. */
    class Parameter(val name: String, val type: String, val default: String?, val meaning: String)

    /** What parameters do, by their names. */
    val meanings: Map<String, String> = parameters.associate { it.name to it.meaning }

    companion object {
        val NONE = FunctionComment("", emptyList())

        private val TAG = Regex("^@(\\w+)\\s*")
        private val LINK = Regex("\\[([A-Za-z_][\\w.]*)](?!\\()")

        /** The function whose [comment] stands between the marks of its beginning and end, with this [parameterList]. */
        fun of(comment: String, parameterList: String): FunctionComment {
            val lines = comment.lines().map { it.trim().removePrefix("*").trim() }
            val head = lines.takeWhile { !TAG.containsMatchIn(it) }
            val meanings = mutableMapOf<String, StringBuilder>()
            var open: StringBuilder? = null
            for (line in lines.drop(head.size)) {
                val tag = TAG.find(line)
                if (tag == null) {
                    open?.append(' ')?.append(line)
                } else {
                    val text = line.removePrefix(tag.value)
                    open = if (tag.groupValues[1] == "param") {
                        StringBuilder(text.substringAfter(' ', "")).also { meanings[text.substringBefore(' ')] = it }
                    } else {
                        null
                    }
                }
            }
            return FunctionComment(
                paragraphs(head),
                parameters(parameterList) { name -> plain(meanings[name]?.toString().orEmpty()) },
            )
        }

        private fun paragraphs(lines: List<String>): String = lines.joinToString("\n").split(Regex("\n{2,}"))
            .map { plain(it.replace('\n', ' ')) }.filter { it.isNotEmpty() }.joinToString("\n")

        /** Without the marks of links. */
        private fun plain(text: String): String = LINK.replace(text) { it.groupValues[1] }.trim()

        private fun parameters(list: String, meaning: (String) -> String): List<Parameter> = split(list).mapNotNull { text ->
            val name = text.substringBefore(':').trim().substringAfterLast(' ')
            val rest = text.substringAfter(':', "").trim()
            val type = rest.substringBefore(" = ").trim()
            if (rest.isEmpty()) null else Parameter(name, type, rest.substringAfter(" = ", "").trim().ifEmpty { null }, meaning(name))
        }

        /** At the commas that are in no brackets and no text. */
        private fun split(list: String): List<String> {
            val parts = mutableListOf(StringBuilder())
            var depth = 0
            var inText = false
            for (character in list) {
                when {
                    character == '"' -> inText = !inText
                    inText -> Unit
                    character in "(<[{" -> depth++
                    character in ")>]}" -> depth--
                }
                if (character == ',' && depth == 0 && !inText) parts += StringBuilder() else parts.last().append(character)
            }
            return parts.map { it.toString().trim() }.filter { it.isNotEmpty() }
        }
    }
}
