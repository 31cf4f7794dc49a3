package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.generation.Depth
import org.finetune4j.generation.GeneratedText
import org.finetune4j.generation.GenerationLimits
import org.finetune4j.methods.decode.ProposeAndAggregate
import org.finetune4j.methods.generate.TextAnswer
import org.finetune4j.tokenizer.Conversation
import org.finetune4j.tokenizer.Message
import org.finetune4j.train.FineTuned
import java.nio.file.Path

/** How matrices are stored in a GGUF file. */
public typealias GgufType = org.finetune4j.gguf.GgufType

/**
 * The result of a recipe: a model that answers, and what was measured. Close it to free its memory before the process
 * ends.
 *
 * @property recipe the recipe that made it
 * @property folder the run's folder, with its checkpoints, log and recipe
 */
public class TunedModel internal constructor(
    public val recipe: Recipe,
    public val folder: String,
    private val tuned: FineTuned,
) : AutoCloseable {
    /** What was measured on held-out samples before and after training, by the metric's name. */
    public val metrics: Map<String, FineTuned.Comparison> = tuned.comparisons().associateBy { it.name() }

    /** Answers to the first held-out prompts before and after training. */
    public val answers: List<FineTuned.Answer> get() = tuned.answers()

    /**
     * The answer to one user turn.
     *
     * ```kotlin
     * tuned.generate("Name a city.") { temperature = 0.7; maxNewTokens = 64; stop("\n\n") }
     * tuned.generate("Who is it?") { json("""{"type": "object", "properties": {"name": {"type": "string"}}}""") }
     * ```
     *
     * @throws org.finetune4j.FinetuneException when a setting is out of its range or contradicts another, or [prompt] does
     *     not fit the context
     */
    public fun generate(prompt: String, settings: @RecipeDsl GenerationScope.() -> Unit = {}): String =
        generate(listOf(Message("user", prompt)), settings)

    /** The assistant's next turn in a [conversation]; otherwise as the function above. */
    public fun generate(conversation: List<Message>, settings: @RecipeDsl GenerationScope.() -> Unit = {}): String =
        generations(conversation, settings).first().text()

    /**
     * Answers to one user turn, as many as `samples` says and of a beam search the best first, with the reasons of their
     * ends, their tokens and the log-probabilities that were asked for.
     */
    public fun generations(prompt: String, settings: @RecipeDsl GenerationScope.() -> Unit = {}): List<GeneratedText> =
        generations(listOf(Message("user", prompt)), settings)

    /** Answers to a [conversation]; otherwise as the function above. */
    public fun generations(
        conversation: List<Message>,
        settings: @RecipeDsl GenerationScope.() -> Unit = {},
    ): List<GeneratedText> = scope(settings).let { tuned.generate(conversation, it.settings(), it.listener()) }

    /**
     * Answers to user turns, each made of drafts as [decode] says, with all drafts of every layer.
     *
     * ```kotlin
     * tuned.answers(listOf("Who was it?"), proposeAndAggregate(n = 3)).first().answer()
     * ```
     *
     * @throws org.finetune4j.FinetuneException when the drafts do not fit the context
     */
    public fun answers(prompts: List<String>, decode: ProposeAndAggregate): List<ProposeAndAggregate.Tree> = tuned.texts().use { model ->
        decode.answer(
            prompts.map { Conversation.of(Message.user(it)) },
            { requests ->
                arrayOfNulls<TextAnswer>(requests.size).also { answers -> model.answer(requests) { place, answer -> answers[place] = answer } }
                    .requireNoNulls().toList()
            },
            model.window(),
        )
    }

    /**
     * The answer to one user turn piece by piece, each whole characters. The model runs as far as the sequence is read, and
     * the sequence can be read once; the next thing that is generated ends it. `cancelWhen` is asked before every piece, and
     * `onText` hears each before the sequence gives it.
     */
    public fun stream(prompt: String, settings: @RecipeDsl GenerationScope.() -> Unit = {}): Sequence<String> = sequence {
        val asked = scope(settings)
        val listener = asked.listener()
        tuned.stream(listOf(Message("user", prompt)), asked.settings()).use { pieces ->
            var more = true
            while (more && !listener.cancelled() && pieces.hasNext()) {
                val piece = pieces.next()
                more = listener.onText(0, 0, piece)
                yield(piece)
            }
        }
    }.constrainOnce()

    /** Sets how many [texts] are generated side by side, and the most memory of their keys and values in MiB. */
    public fun limitGeneration(texts: Int = 32, cacheMebibytes: Long = 2048) {
        if (texts !in 1..MOST_TEXTS || cacheMebibytes < 1) {
            throw FinetuneException("limitGeneration needs texts in [1, $MOST_TEXTS] and cacheMebibytes of at least 1, got " +
                "$texts and $cacheMebibytes.")
        }
        tuned.limitGeneration(GenerationLimits(texts, MOST_TEXTS, cacheMebibytes shl 20))
    }

    /**
     * Generates from now on with the model's blocks up to [block] alone, whose states the final norm and the head turn into
     * words; that is worth something where [sorted] trained the model to end there.
     *
     * @throws FinetuneException when the model has no such block
     */
    public fun exitAt(block: Int): Unit = tuned.depth(Depth.ExitAt(block))

    /**
     * Generates from now on each token from behind the first exit that is sure of it; that is worth something where [sorted]
     * trained the model to end behind several blocks. Texts are generated one after another, without beams.
     *
     * Source: Sorted LLaMA, arXiv 2309.08968.
     *
     * @param thresholds by the block of each exit, the last one left out, the least probability of the likeliest token with
     *   which it is taken there, in [0, 1]; empty for the paper's behind 30 % to 90 % of the blocks
     * @throws FinetuneException when a threshold is out of range or the model has no such block
     */
    public fun confidenceExit(thresholds: Map<Int, Double> = emptyMap()): Unit = tuned.depth(Depth.ConfidenceExit(thresholds))

    /**
     * Generates from now on what the whole model generates, in less time where its blocks up to [block] often guess right: they
     * draft several tokens, which the rest of the model checks in one pass. Texts are generated one after another, without beams.
     *
     * Source: Sorted LLaMA, arXiv 2309.08968.
     *
     * @param block the last block of those that draft, from 1 and less than the model's last
     * @param window tokens that are drafted at first, at least 1; two more whenever all were right, and else one less
     * @throws FinetuneException when the window is out of range or the model has no such block
     */
    public fun selfSpeculative(block: Int, window: Int = Depth.SelfSpeculative.WINDOW): Unit =
        tuned.depth(Depth.SelfSpeculative(block, window))

    /** Generates from now on with the whole model again. */
    public fun wholeModel(): Unit = tuned.depth(Depth.WHOLE)

    /**
     * How many tokens were decided behind each exit since [confidenceExit] or [selfSpeculative], by the block of the exit; with
     * [selfSpeculative] the drafts that were right count for the block that drafted them.
     */
    public val decidedBehind: Map<Int, Long> get() = tuned.decidedBehind()

    private fun scope(settings: GenerationScope.() -> Unit): GenerationScope =
        GenerationScope(tuned.generation().seed(recipe.training.seed).build()).apply(settings)

    /**
     * Writes the model to [folder] in the Hugging Face layout; an adapter is merged into the weights.
     *
     * @throws org.finetune4j.FinetuneException when it cannot be written; what was in the folder is then as before
     */
    public fun save(folder: String): Unit = tuned.save(Path.of(folder))

    /**
     * Writes the adapter alone to [folder] in the layout of PEFT.
     *
     * @throws org.finetune4j.FinetuneException when the recipe trained no adapter, or it cannot be written
     */
    public fun saveAdapter(folder: String): Unit = tuned.saveAdapter(Path.of(folder))

    /**
     * Writes the model, an adapter merged into the weights, as one GGUF [file] for llama.cpp and the tools made on it, with
     * tokenizer, chat template and the tokens that end a turn.
     *
     * @param type how matrices are stored: [GgufType.Q8_0] takes half the room of 16 bits and loses little
     * @throws org.finetune4j.FinetuneException when llama.cpp has no such model or tokenizer, or it cannot be written
     */
    public fun saveGguf(file: String, type: GgufType = GgufType.Q8_0): Unit = tuned.saveGguf(Path.of(file), type)

    override fun close(): Unit = tuned.close()

    private companion object {
        /** Also the tokens of one pass of the model, of which each text takes one. */
        const val MOST_TEXTS = 2048
    }
}
