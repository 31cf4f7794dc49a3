package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Fragment;

/**
 * What is measured of a model on samples that it is not trained on: by its answers ({@link AnswerMetric}), by several
 * drawn answers, or by the probabilities that it gives to texts. A metric asks an {@link Examinee} for what it needs,
 * which changes neither weights nor any state of the training.
 */
public interface Metric extends Fragment {
    /**
     * Measures.
     *
     * @param samples what is asked, at least one
     * @param model   answers and gives probabilities
     * @return one result or more, each under its own name
     * @throws org.finetune4j.FinetuneException when samples lack what the metric needs
     */
    List<MetricResult> measure(List<Sample> samples, Examinee model);

    /**
     * Refuses samples that this cannot be measured on; called with the plan, before any weight is loaded.
     *
     * @throws org.finetune4j.FinetuneException naming the first such sample and what it lacks
     */
    void requireMeasurable(List<Sample> samples);

    /**
     * What this is measured on: the held-out samples, unless it brings its own.
     *
     * @throws org.finetune4j.FinetuneException when its own cannot be read
     */
    default List<Sample> samples(List<Sample> heldOut) {
        return heldOut;
    }

    /** Whether this asks for the probabilities of choices, which a decoder may make otherwise. */
    default boolean asksForProbabilities() {
        return false;
    }

    /** How many answers to a prompt are generated at a time: 0 for none, 1 for the most probable one. */
    default int answersPerPrompt() {
        return 0;
    }
}
