package org.finetune4j.dsl

import org.finetune4j.data.Sample
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
     * @param maxNewTokens the longest answer in tokens, at least 1
     * @param temperature divides the logits, finite and at least 0; 0 always takes the most probable token
     * @param topK draws among this many most probable tokens only; 0 for all
     * @param topP draws among the most probable tokens whose probabilities reach this sum, in (0, 1]
     * @param seed of the draws; the same seed gives the same text
     * @param onText hears each piece as it comes, and ends the answer by false
     * @throws org.finetune4j.FinetuneException when a number is out of its range, or [prompt] does not fit the context
     */
    public fun generate(
        prompt: String,
        maxNewTokens: Int = 256,
        temperature: Double = 0.0,
        topK: Int = 0,
        topP: Double = 1.0,
        seed: Long = recipe.training.seed,
        onText: (String) -> Boolean = { true },
    ): String = generate(listOf(Sample.Message("user", prompt)), maxNewTokens, temperature, topK, topP, seed, onText)

    /** The assistant's next turn in a [conversation]; the other parameters are those of the function above. */
    public fun generate(
        conversation: List<Sample.Message>,
        maxNewTokens: Int = 256,
        temperature: Double = 0.0,
        topK: Int = 0,
        topP: Double = 1.0,
        seed: Long = recipe.training.seed,
        onText: (String) -> Boolean = { true },
    ): String = tuned.generate(conversation, maxNewTokens, temperature, topK, topP, seed, onText)

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
}
