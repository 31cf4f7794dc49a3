package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.UsageError
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.enum
import com.github.ajalt.clikt.parameters.types.path
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.GgufType
import org.finetune4j.dsl.savedModel

/**
 * `finetune export`: writes a saved model, and an adapter merged into it, in another layout.
 *
 * Exit codes: 0 when it is written, 2 when finetune4j refused.
 */
public class ExportCommand : CliktCommand(name = "export") {
    override fun help(context: Context): String =
        "Writes a saved model as a GGUF file for llama.cpp, or as a model folder with an adapter merged into it."

    private val model by argument("MODEL").path().help("A model folder in the Hugging Face layout")

    private val adapter by option("--adapter").path().help("A folder with an adapter in PEFT's layout, to be merged into the model")

    private val gguf by option("--gguf", metavar = "FILE").path().help("The GGUF file to write")

    private val type by option("--type").enum<GgufType> { it.name.lowercase() }.default(GgufType.Q8_0)
        .help("How matrices are stored in the GGUF file")

    private val folder by option("--folder").path().help("The model folder to write, in the Hugging Face layout")

    override fun run() {
        if (gguf == null && folder == null) throw UsageError("say what to write: --gguf FILE, --folder FOLDER, or both")
        try {
            savedModel("$model", adapter?.toString()).use { opened ->
                folder?.let {
                    opened.save("$it")
                    echo("Wrote $it")
                }
                gguf?.let {
                    opened.saveGguf("$it", type)
                    echo("Wrote $it as ${type.name.lowercase()}")
                }
            }
        } catch (refusal: FinetuneException) {
            terminal.rawPrint(refusal.message.orEmpty() + "\n", stderr = true)
            throw ProgramResult(EXIT_REFUSED)
        }
    }
}
