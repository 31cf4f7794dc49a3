package org.finetune4j.dsl

import org.finetune4j.data.Sample
import org.finetune4j.train.FineTuned
import java.nio.file.Path

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
     * The answer to one user turn: at most [maxNewTokens] tokens, greedy at [temperature] 0; [onText] hears each piece as
     * it comes and ends the answer by false.
     */
    public fun generate(
        prompt: String,
        maxNewTokens: Int = 256,
        temperature: Double = 0.0,
        onText: (String) -> Boolean = { true },
    ): String = generate(listOf(Sample.Message("user", prompt)), maxNewTokens, temperature, onText)

    /** The assistant's next turn in a [conversation]. */
    public fun generate(
        conversation: List<Sample.Message>,
        maxNewTokens: Int = 256,
        temperature: Double = 0.0,
        onText: (String) -> Boolean = { true },
    ): String = tuned.generate(conversation, maxNewTokens, temperature, onText)

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

    override fun close(): Unit = tuned.close()
}
