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
        val place = placeOf(failed) ?: return listOf("error: ${describe(failed.cause)}")
        val (file, line) = place
        return listOfNotNull("${file.fileName}:$line: error: ${describe(failed.cause)}", ProblemReport.sourceLine(file, line))
    }

    /** The innermost frame that belongs to the script or to one of its imports. */
    private fun placeOf(failed: ScriptOutcome.Failed): Pair<Path, Int>? = chain(failed.cause)
        .flatMap { it.stackTrace.asSequence() }
        .firstNotNullOfOrNull { frame ->
            failed.sources.firstOrNull { it.fileName.toString() == frame.fileName && frame.lineNumber > 0 }
                ?.let { it to frame.lineNumber }
        }

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

    private const val HINT = "Run again with --stacktrace to see every frame."
}
