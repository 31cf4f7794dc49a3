package org.finetune4j.methods.objective;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.EpochStage;
import org.finetune4j.data.Row;
import org.finetune4j.data.Sample;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.train.GradientEngine;
import org.finetune4j.train.ModelGradientEngine;
import org.jspecify.annotations.Nullable;

/** What is minimised: a loss of single supervised tokens and how it is averaged over an optimiser step. */
public interface Objective extends Fragment {
    /**
     * The loss of a supervised token, with all that it wants beside the logits; one that remembers something is made
     * anew by every call.
     */
    TokenLoss tokenLoss();

    /** What it learns from; data of another kind are refused. */
    default Class<? extends Row> rows() {
        return Sample.class;
    }

    /** How token losses are averaged over the samples of one optimiser step. */
    default Reduction reduction() {
        return Reduction.TOKENS;
    }

    /**
     * Whether samples must be completed by {@link ExamplePreparation} before the training; only then are they kept beside
     * what they are encoded to.
     */
    default boolean preparesExamples() {
        return false;
    }

    /**
     * The encoded samples with the columns and companions that the token loss wants; called once before the training.
     *
     * @throws org.finetune4j.FinetuneException when a sample lacks what is needed
     */
    default ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        return new ExamplePreparation.Prepared(preparation.examples(), Map.of());
    }

    /** What is trained on in each pass over the data, where this objective has other companions in each; null for the same. */
    default @Nullable EpochStage epochStage() {
        return null;
    }

    /** Sequences of one sample at most, with the companions that {@link #prepare} gives it. */
    default int sequencesPerSample() {
        return 1;
    }

    /**
     * The folder of another model whose logits are the reference's, where the token loss asks for a reference; null for a
     * reference that is made of the policy.
     */
    default @Nullable Path teacherFolder() {
        return null;
    }

    /**
     * The added token by which the reference's input is masked, empty for one that is called so, where
     * {@link TokenLoss#maskedInput()} asks for one that it does not know; null where it asks for none.
     */
    default @Nullable String maskOfReference() {
        return null;
    }

    /** Passes over batches, where this objective does more in one than to take the token loss's gradient. */
    default GradientEngine engine(ModelGradientEngine engine, PassContext context) {
        return engine;
    }

    /** What is unusual about the settings and worth knowing before a run, a sentence each; none by default. */
    default List<String> notes() {
        return List.of();
    }

    /** What {@link #engine} holds and computes beside the training's own passes. */
    default PassForecast passes(PassOutline outline) {
        return PassForecast.NONE;
    }

    /**
     * What models are asked while {@link #prepare} completes these samples, at most.
     *
     * @param epochs passes over the data
     */
    default List<TextWork> work(List<Sample> samples, int epochs) {
        return List.of();
    }

    /** Folders of other models that score all responses while {@link #prepare} completes the samples, one after another. */
    default List<Path> scorers() {
        return List.of();
    }

    /** What speaks against this objective together with the other parts of a recipe, each with a mend; none by default. */
    default List<String> problems(Composition composition) {
        return List.of();
    }
}
