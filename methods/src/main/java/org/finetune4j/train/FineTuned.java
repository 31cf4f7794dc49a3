package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.finetune4j.data.Sample.Message;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.methods.evaluate.MetricResult;
import org.jspecify.annotations.Nullable;

/** The outcome of a run: the tuned model with its tokenizer, and what was measured. */
public interface FineTuned extends AutoCloseable {
    /** The plan that was run. */
    Plan plan();

    /** What a metric or the held-out loss was before and after the training. */
    List<Comparison> comparisons();

    /** Answers to the first held-out prompts before and after the training. */
    List<Answer> answers();

    /** The last optimiser step. */
    TrainingListener.StepEvent lastStep();

    /** Generates an answer to one user turn, greedily. */
    default String generate(String prompt) {
        return generate(List.of(new Message("user", prompt)), 256, 0, 0, 1, 0, piece -> true);
    }

    /**
     * Generates the next assistant turn.
     *
     * @param maxNewTokens longest answer, at least 1
     * @param temperature  divides the logits, finite; 0 for greedy
     * @param topK         draws among this many most probable tokens only; 0 for all
     * @param topP         draws among the most probable tokens whose probabilities reach this sum, in (0, 1]
     * @param seed         of the draws; the same seed gives the same text
     * @param onText       is given each piece of text as it comes; false stops, and nothing more is given
     * @throws org.finetune4j.FinetuneException when a number is out of its range or the conversation does not fit
     */
    String generate(List<Message> conversation, int maxNewTokens, double temperature, int topK, double topP, long seed,
                    Predicate<String> onText);

    /**
     * Writes the tuned model as a folder in the Hugging Face layout; an adapter is merged into the weights. The folder
     * is read again and compared.
     *
     * @throws org.finetune4j.FinetuneException when it cannot be written or does not read back the same; an earlier
     *                                          folder is unchanged
     */
    void save(Path folder);

    /**
     * Writes the adapter alone in the PEFT layout.
     *
     * @throws org.finetune4j.FinetuneException when no adapter was trained or it cannot be written
     */
    void saveAdapter(Path folder);

    /**
     * Writes the tuned model, an adapter merged into the weights, as one GGUF file for llama.cpp, with tokenizer, chat
     * template and the tokens that end a turn.
     *
     * @param type how matrices are stored
     * @throws org.finetune4j.FinetuneException when llama.cpp has no such model or tokenizer, or it cannot be written
     */
    void saveGguf(Path file, GgufType type);

    @Override
    void close();

    /**
     * A measurement before and after the training.
     *
     * @param name the metric's name, or {@code heldOutLoss}
     */
    record Comparison(String name, MetricResult before, MetricResult after) {
    }

    /** Two answers to one prompt. */
    record Answer(String prompt, @Nullable String reference, String before, String after) {
    }
}
