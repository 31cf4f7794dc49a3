package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.finetune4j.data.Sample.Message;
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
        return generate(List.of(new Message("user", prompt)), 256, 0, piece -> true);
    }

    /**
     * Generates the next assistant turn.
     *
     * @param maxNewTokens longest answer, at least 1
     * @param temperature  0 for greedy
     * @param onText       is given each piece of text as it comes; false stops
     */
    String generate(List<Message> conversation, int maxNewTokens, double temperature, Predicate<String> onText);

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
