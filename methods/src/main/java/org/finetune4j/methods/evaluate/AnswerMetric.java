package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;

/** Scores the model's most probable answers against reference answers, by one number. */
public interface AnswerMetric extends Metric {
    /**
     * Scores predictions.
     *
     * @param predictions generated texts
     * @param references  one reference answer per prediction
     * @throws FinetuneException when there is nothing to score or the lists differ in length
     */
    MetricResult score(List<String> predictions, List<String> references);

    @Override
    default List<MetricResult> measure(List<Sample> samples, Examinee model) {
        requireMeasurable(samples);
        return List.of(score(model.answers(samples), References.of(samples)));
    }

    @Override
    default void requireMeasurable(List<Sample> samples) {
        References.require(method().name(), samples);
    }

    @Override
    default int answersPerPrompt() {
        return 1;
    }
}
