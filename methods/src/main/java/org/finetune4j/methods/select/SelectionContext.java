package org.finetune4j.methods.select;

import java.nio.file.Path;
import java.util.Optional;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.TextWindow;
import org.jspecify.annotations.Nullable;

/** What a selector may use: the model that is about to be trained, other models, and the run's folder. */
public interface SelectionContext extends Asker {
    /** Scores responses by the model as it is before training. */
    ResponseScorer scorer();

    /**
     * Scores responses by another model, with its own tokenizer and chat template; it stays the context's and is
     * closed when the next one is asked for.
     *
     * @param folder    in the Hugging Face layout
     * @param endOfTurn whether the token that ends a turn is scored too
     * @throws org.finetune4j.FinetuneException when the model cannot be had
     */
    ResponseScorer scorer(Path folder, boolean endOfTurn);

    /** Whether a sample is short enough to be trained on as it is, or cut where the run cuts samples. */
    default boolean fits(Sample sample) {
        return true;
    }

    /** Says something that does not stop the run but should be known. */
    void warned(String message);

    /** Where files may be kept for the user and for a run that goes on, or null for nowhere. */
    @Nullable Path folder();

    /** How much the model that is about to be trained reads at most, or nothing where nobody says. */
    default Optional<TextWindow> window() {
        return Optional.empty();
    }
}
