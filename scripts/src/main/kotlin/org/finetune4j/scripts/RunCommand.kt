package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.UsageError
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.multiple
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.path
import org.finetune4j.scripts.host.FailureReport
import org.finetune4j.scripts.host.ProblemReport
import org.finetune4j.scripts.host.ScriptHost
import org.finetune4j.scripts.host.ScriptOutcome

/**
 * `finetune run`: compiles a `.main.kts` recipe, or takes it from the cache, and runs it.
 *
 * Exit codes: 0 when the script ran to its end, 1 when it does not compile or failed, 2 when finetune4j refused.
 */
public class RunCommand(private val host: ScriptHost = ScriptHost()) : CliktCommand(name = "run") {
    /** Options that are not ours belong to the script: `finetune run recipe.main.kts --epochs 3`. */
    override val treatUnknownOptionsAsArgs: Boolean get() = true

    override fun help(context: Context): String =
        "Runs a recipe. Options that are not listed here, and everything after --, are passed to the script."

    private val script by argument("FILE").path(mustExist = true, canBeDir = false, mustBeReadable = true)
        .help("The recipe, a Kotlin script named *.main.kts")

    private val arguments by argument("ARGUMENTS").multiple().help("What the script sees as args")

    private val dryRun by option("--dry-run").flag().help("Show the plan and stop before any weight is loaded")

    private val stackTrace by option("--stacktrace").flag().help("Show the whole stack trace if the script fails")

    override fun run() {
        if (!script.fileName.toString().endsWith(".main.kts")) {
            throw UsageError("$script is not named *.main.kts, so Kotlin would read it as another kind of file; rename it")
        }
        if (dryRun) System.setProperty(DRY_RUN_PROPERTY, "true")
        when (val outcome = host.run(script, arguments) { complain(ProblemReport.render(it)) }) {
            is ScriptOutcome.Completed -> Unit
            is ScriptOutcome.NotCompiled -> {
                complain(ProblemReport.render(outcome.problems))
                throw ProgramResult(EXIT_FAILED)
            }
            is ScriptOutcome.Failed -> {
                complain(FailureReport.render(outcome, wholeTrace = stackTrace))
                throw ProgramResult(if (outcome.isRefusal) EXIT_REFUSED else EXIT_FAILED)
            }
        }
    }

    /** Shows source lines as they are; echo would replace their tabs. */
    private fun complain(text: String) {
        terminal.rawPrint(text + "\n", stderr = true)
    }

    public companion object {
        /** Read by the DSL: when it is `true`, running a recipe prints its plan and stops. */
        public const val DRY_RUN_PROPERTY: String = "finetune4j.dryRun"

        private const val EXIT_FAILED = 1
    }
}
