package org.finetune4j.scripts.host

import java.nio.file.Path

/** Writes what a running script threw, with the script's own line instead of the host's stack. */
internal object FailureReport {
    fun render(failed: ScriptOutcome.Failed, wholeTrace: Boolean): String = when {
        wholeTrace -> failed.cause.stackTraceToString().trimEnd()
        failed.isRefusal -> failed.cause.message.orEmpty()
        else -> (headline(failed) + causes(failed.cause) + HINT).joinToString("\n")
    }

    private fun headline(failed: ScriptOutcome.Failed): List<String> {
        val places = placesOf(failed)
        val innermost = places.firstOrNull() ?: return listOf("error: ${describe(failed.cause)}")
        return listOf("${innermost.name}: error: ${describe(failed.cause)}", innermost.text) +
            places.drop(1).take(MOST_CALLERS).map { "called at ${it.name}: ${it.text.trim()}" }
    }

    /** The frames that belong to the script or to one of its imports, innermost first, each line once. */
    private fun placesOf(failed: ScriptOutcome.Failed): List<Place> = chain(failed.cause)
        .map { failure -> failure.stackTrace.mapNotNull { placeOf(it, failed.sources) }.distinct() }
        .firstOrNull { it.isNotEmpty() }.orEmpty()

    private fun placeOf(frame: StackTraceElement, sources: List<Path>): Place? {
        val file = sources.firstOrNull { it.fileName.toString() == frame.fileName } ?: return null
        val text = ProblemReport.sourceLine(file, frame.lineNumber) ?: return null
        return Place("${file.fileName}:${frame.lineNumber}", text)
    }

    private data class Place(val name: String, val text: String)

    private fun causes(failure: Throwable): List<String> =
        chain(failure).drop(1).map { "caused by: ${describe(it)}" }.toList()

    private fun describe(failure: Throwable): String {
        val kind = failure::class.java.name.substringAfterLast('.').replace('$', '.')
        return failure.message?.let { "$kind: $it" } ?: kind
    }

    /** [failure] and its causes, ended where the chain comes back to itself. */
    private fun chain(failure: Throwable): Sequence<Throwable> {
        val seen = HashSet<Throwable>()
        return generateSequence(failure) { it.cause }.takeWhile(seen::add)
    }

    private const val MOST_CALLERS = 5
    private const val HINT = "Run again with --stacktrace to see every frame."
}
