package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.data.Sample;

/** A metric that measures by another one, and asks for no more than that does. */
interface OverMetric extends Metric {
    /** The other one. */
    Metric metric();

    @Override
    default void requireMeasurable(List<Sample> samples) {
        metric().requireMeasurable(samples);
    }

    @Override
    default boolean asksForProbabilities() {
        return metric().asksForProbabilities();
    }

    @Override
    default int answersPerPrompt() {
        return metric().answersPerPrompt();
    }
}
