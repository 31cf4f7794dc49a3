package org.finetune4j.scripts.host

import java.nio.file.Path
import kotlin.script.experimental.api.ScriptDiagnostic

/** One message of the compiler or of a resolver; [line] and [column] count from 1 and are null when it has no place. */
public data class ScriptProblem(
    public val message: String,
    public val isError: Boolean,
    public val file: Path? = null,
    public val line: Int? = null,
    public val column: Int? = null,
) {
    internal companion object {
        /** The reasons why a script was refused: resolvers call some of them warnings although nothing runs. */
        fun refusals(diagnostics: List<ScriptDiagnostic>): List<ScriptProblem> {
            val problems = of(diagnostics)
            return if (problems.any { it.isError }) problems else problems.map { it.copy(isError = true) }
        }

        /** The warnings and errors among [diagnostics]; what the compiler says about its own work is left out. */
        fun of(diagnostics: List<ScriptDiagnostic>): List<ScriptProblem> = diagnostics
            .filter { it.severity >= ScriptDiagnostic.Severity.WARNING }
            .map { diagnostic ->
                ScriptProblem(
                    message = listOfNotNull(diagnostic.message, diagnostic.exception?.message)
                        .distinct().joinToString(": "),
                    isError = diagnostic.severity >= ScriptDiagnostic.Severity.ERROR,
                    file = diagnostic.sourcePath?.let(Path::of),
                    line = diagnostic.location?.start?.line,
                    column = diagnostic.location?.start?.col,
                )
            }
    }
}
