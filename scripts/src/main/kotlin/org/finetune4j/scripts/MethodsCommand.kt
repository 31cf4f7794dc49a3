package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.UsageError
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.optional
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import kotlinx.serialization.builtins.ListSerializer
import kotlinx.serialization.json.Json
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.reference.MethodReference
import org.finetune4j.methods.Nearest
import org.finetune4j.scripts.methods.MethodText
import org.finetune4j.scripts.methods.ReadmeMethods

/**
 * `finetune methods`: lists the methods that recipes can use, or shows one.
 *
 * Exit codes: 0 when it was shown or written, 2 when there is no such method or the README cannot be written.
 */
public class MethodsCommand : CliktCommand(name = "methods") {
    override fun help(context: Context): String =
        "Lists the methods with their papers and defaults, or shows one with its settings, the Kotlin call and the samples that use it."

    private val method by argument("NAME").optional().help("The method to show, such as asft")

    private val json by option("--json").flag().help("Print JSON, for programs")

    private val writeReadme by option("--write-readme").flag().help("Write the table of methods into README.md")

    override fun run() {
        if (writeReadme && (method != null || json)) throw UsageError("--write-readme stands alone")
        try {
            when {
                writeReadme -> print(ReadmeMethods.update(ProjectFolder.root.resolve("README.md"), MethodReference.all()))
                json -> print(JSON.encodeToString(ListSerializer(MethodReference.serializer()), asked()))
                method != null -> print(asked().joinToString("\n\n") { MethodText.of(it, ProjectFolder.samplesWith(it.name)) })
                else -> print(MethodText.list(MethodReference.all()))
            }
        } catch (refusal: FinetuneException) {
            terminal.rawPrint(refusal.message.orEmpty() + "\n", stderr = true)
            throw ProgramResult(EXIT_REFUSED)
        }
    }

    private fun asked(): List<MethodReference> {
        val all = MethodReference.all()
        val name = method ?: return all
        return all.filter { it.name == name }.ifEmpty {
            val known = all.map { it.name }
            throw FinetuneException("there is no method '$name'.${Nearest.proposal(name, known)} There are ${known.joinToString(", ")}.")
        }
    }

    /** As it is; echo would wrap and trim it. */
    private fun print(text: String) {
        terminal.rawPrint(text.trimEnd() + "\n")
    }

    private companion object {
        val JSON = Json { prettyPrint = true }
    }
}
