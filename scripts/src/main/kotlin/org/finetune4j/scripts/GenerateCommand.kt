package org.finetune4j.scripts

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.multiple
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.double
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.long
import org.finetune4j.FinetuneException
import org.finetune4j.generation.EndReason
import org.finetune4j.generation.GeneratedText
import org.finetune4j.generation.GenerationLimits
import org.finetune4j.generation.GenerationSettings
import org.finetune4j.generation.TextListener
import org.finetune4j.generation.structure.Structure
import org.finetune4j.model.Precision
import org.finetune4j.tokenizer.Message
import org.finetune4j.train.ChatModel
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path
import java.util.Locale

/** `finetune generate`: continues a text, or answers through the chat template, on the terminal as it comes. */
public class GenerateCommand : CliktCommand(name = "generate") {
    private val model by argument(help = "Model folder in the Hugging Face layout")
    private val prompt by option(help = "The text to continue, or the user's turn with --chat; read from the input without it")
    private val chat by option(help = "Answer through the model's chat template").flag()
    private val system by option(help = "The system's turn, with --chat")

    private val maxNewTokens by option(help = "Most tokens to add").int()
    private val minNewTokens by option(help = "Tokens before which the text does not end").int()
    private val temperature by option(help = "Divides the logits; 0 always takes the most probable token").double()
    private val topK by option(help = "Draw among so many most probable tokens; 0 for all").int()
    private val topP by option(help = "Draw among the most probable tokens that reach this sum").double()
    private val minP by option(help = "Draw among tokens with this share of the highest probability").double()
    private val repetitionPenalty by option(help = "Divides positive and multiplies negative logits of tokens that were there").double()
    private val presencePenalty by option(help = "Taken from the logits of generated tokens").double()
    private val frequencyPenalty by option(help = "Taken from the logits of generated tokens for each time").double()
    private val noRepeatNgram by option(help = "No sequence of so many tokens comes twice").int()
    private val seed by option(help = "Decides the draws").long()
    private val samples by option(help = "Texts to generate").int()
    private val beams by option(help = "Width of a beam search").int()
    private val stop by option(help = "End before this text; may be given several times").multiple()
    private val jsonSchema by option(help = "File with a JSON schema by which the text must be valid JSON")
    private val regex by option(help = "Regular expression that the whole text must match")
    private val logProbabilities by option(help = "Also print the log-probability of each token").flag()

    private val dtype by option(help = "Type of weights, activations, keys and values").choice("f32", "bf16").default("f32")
    private val kernels by option(help = "What computes").choice("onednn", "nd4j").default("onednn")
    private val cache by option(help = "Most memory of keys and values in MiB").long().default(DEFAULT_CACHE)

    override fun help(context: Context): String =
        "Generates text with a model folder and prints it as it comes. What is not given is taken from the folder's " +
            "generation_config.json. Anything but the text goes to the error output."

    override fun run() {
        try {
            if (system != null && !chat) throw FinetuneException("--system is a turn of a conversation. Add --chat, or leave it out.")
            if (cache < 1) throw FinetuneException("--cache must be at least 1 MiB, got $cache.")
            val structure = structure()
            val text = prompt ?: generateSequence(::readlnOrNull).joinToString("\n")
            val limits = GenerationLimits(DEFAULT_TEXTS, GenerationLimits.DEFAULT.tokensPerPass(), cache shl 20)
            val precision = if (dtype == "f32") Precision.F32 else Precision.BF16
            ChatModel.load(Path.of(model), precision, kernels, limits).use { generate(it, text, structure) }
        } catch (refusal: FinetuneException) {
            echo(refusal.message, err = true)
            throw ProgramResult(EXIT_REFUSED)
        }
    }

    private fun generate(loaded: ChatModel, text: String, structure: Structure?) {
        loaded.notes().forEach { echo("note: $it", err = true) }
        val settings = settings(loaded.settings(chat)).structure(structure).build()
        val single = settings.samples() == 1 && settings.beams() == 1
        val listener = object : TextListener {
            override fun onText(request: Int, sample: Int, piece: String): Boolean {
                if (single) {
                    // As it is; echo would replace its tabs.
                    terminal.rawPrint(piece)
                    System.out.flush()
                }
                return true
            }
        }
        val turns = listOfNotNull(system?.let { Message("system", it) }, Message("user", text))
        val texts = if (chat) loaded.answer(listOf(turns), settings, listener).single() else loaded.complete(text, settings, listener)
        if (single) echo()
        texts.forEachIndexed { number, generated ->
            if (!single) terminal.rawPrint("--- ${number + 1}${score(generated)}\n${generated.text()}\n")
            ending(generated.reason())?.let { echo(it, err = true) }
            if (logProbabilities) {
                generated.tokens().choices().forEach {
                    echo("%d %.6f".format(Locale.ROOT, it.token(), it.logProbability()), err = true)
                }
            }
        }
    }

    private fun score(generated: GeneratedText): String =
        generated.tokens().score().let { if (it.isNaN()) "" else ", score %.4f".format(Locale.ROOT, it) }

    /** What is to be said of the end; nothing where the text ended by itself. */
    private fun ending(reason: EndReason): String? = when (reason) {
        EndReason.LENGTH -> "note: the text was cut at the most tokens. Raise --max-new-tokens for more."
        EndReason.CONTEXT_FULL -> "note: the text was cut, because the model's context is full."
        EndReason.STRUCTURE_CLOSED -> "note: the text was brought to its end early, because the tokens ran out. Raise --max-new-tokens."
        else -> null
    }

    private fun structure(): Structure? {
        val (schema, expression) = jsonSchema to regex
        if (schema != null && expression != null) {
            throw FinetuneException("--json-schema and --regex are two forms for one text. Give one of them.")
        }
        return when {
            schema != null -> Structure.json(read(Path.of(schema)))
            expression != null -> Structure.regex(expression)
            else -> null
        }
    }

    private fun read(file: Path): String = try {
        Files.readString(file)
    } catch (failure: IOException) {
        throw FinetuneException("--json-schema: $file cannot be read (${failure.javaClass.simpleName}). Give a text file.", failure)
    }

    private fun settings(folder: GenerationSettings.Builder): GenerationSettings.Builder = folder.apply {
        maxNewTokens?.let(::maxNewTokens)
        minNewTokens?.let(::minNewTokens)
        temperature?.let(::temperature)
        topK?.let(::topK)
        topP?.let(::topP)
        minP?.let(::minP)
        repetitionPenalty?.let(::repetitionPenalty)
        presencePenalty?.let(::presencePenalty)
        frequencyPenalty?.let(::frequencyPenalty)
        noRepeatNgram?.let(::noRepeatNgram)
        seed?.let(::seed)
        samples?.let(::samples)
        beams?.let(::beams)
        if (stop.isNotEmpty()) stopStrings(stop)
        if (logProbabilities) logProbabilities(0)
    }

    private companion object {
        const val DEFAULT_CACHE = 2048L
        const val DEFAULT_TEXTS = 32
    }
}
