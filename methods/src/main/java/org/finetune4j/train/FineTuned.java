package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.finetune4j.generation.Depth;
import org.finetune4j.generation.GeneratedText;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextListener;
import org.finetune4j.generation.TextStream;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.methods.evaluate.MetricResult;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.tokenizer.Message;
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

    /**
     * Generates an answer to one user turn, with the settings of {@link #generation()}.
     *
     * @throws org.finetune4j.FinetuneException when it does not fit
     */
    default String generate(String prompt) {
        return generate(List.of(new Message("user", prompt)), generation().build(), TextListener.NONE).get(0).text();
    }

    /**
     * Settings to begin with: those of the base's {@code generation_config.json} (without one the most probable token
     * always, 256 at most), and the tokens that end a turn.
     */
    GenerationSettings.Builder generation();

    /**
     * Generates the next assistant turn.
     *
     * @param listener hears the text as it comes, and may end it
     * @return as many texts as the settings ask for
     * @throws org.finetune4j.FinetuneException when the conversation does not fit, or the settings' form cannot be
     *                                          written with the tokenizer
     */
    List<GeneratedText> generate(List<Message> conversation, GenerationSettings settings, TextListener listener);

    /**
     * The tuned model as one that answers many requests at a time; to be closed, while the model itself stays open.
     *
     * @throws org.finetune4j.FinetuneException when there is no chat template
     */
    TextModel texts();

    /** Generates the next assistant turn piece by piece, as it is asked for; to be closed. */
    TextStream stream(List<Message> conversation, GenerationSettings settings);

    /** Sets how many texts are generated side by side, and the most memory of their keys and values. */
    void limitGeneration(GenerationLimits limits);

    /**
     * Generates from now on with as much of the model as {@code depth} says, one text after another where each token has a
     * depth of its own; that is worth something where {@code sorted} trained the model to end behind several blocks.
     *
     * @throws org.finetune4j.FinetuneException when the model has no such block, or cannot be ended there
     */
    void depth(Depth depth);

    /**
     * How many tokens were decided behind each exit since the depth was set, by the exit's block; empty where all are decided
     * behind one. Of a speculative depth the drafts that were kept count for the block that drafted them.
     */
    Map<Integer, Long> decidedBehind();

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
