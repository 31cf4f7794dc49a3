package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.methods.objective.ExamplePreparation;
import org.finetune4j.methods.objective.PassForecast;
import org.finetune4j.methods.objective.PassOutline;
import org.finetune4j.train.BatchStage;

/**
 * Decides in every optimiser step what of its samples is learned, by the weights as they are then: which samples, which
 * of their tokens, or what is seen of them.
 */
public interface BatchMethod extends Selecting {
    /** What happens to the samples of a run's steps. */
    BatchStage stage(BatchContext context);

    /** Whether it leaves samples out; a run has at most one method that does. */
    boolean choosesSamples();

    /** Whether samples must be laid out by {@link #prepare} before the training. */
    default boolean preparesExamples() {
        return false;
    }

    /**
     * The samples laid out for the stage; called once before the training, where {@link #preparesExamples()}.
     *
     * @throws org.finetune4j.FinetuneException when a sample lacks what is needed
     */
    default ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        return new ExamplePreparation.Prepared(preparation.examples(), java.util.Map.of());
    }

    /**
     * What {@link #stage} holds and computes for each micro-batch beside the training's own passes.
     *
     * @param longest tokens of the longest sample
     */
    default PassForecast passes(PassOutline outline, int longest) {
        return PassForecast.NONE;
    }

    /** What speaks against it in this job, each with a mend; none by default. */
    default List<String> problems(BatchComposition composition) {
        return List.of();
    }
}
