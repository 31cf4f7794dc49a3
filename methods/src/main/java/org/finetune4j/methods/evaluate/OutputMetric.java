package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;

/** Looks at the model's answers alone, without references: the most probable ones, or several drawn to each prompt. */
public interface OutputMetric extends Metric {
    /** Answers to each prompt, at least 1. */
    int samples();

    /** Temperature of the draw, finite and at least 0, positive where there are several answers. */
    double temperature();

    /** Only the most probable tokens are drawn whose probabilities reach this sum, in (0, 1]. */
    double topP();

    /** Of the draw. */
    long seed();

    /** All answers to all prompts. */
    default List<String> outputs(List<Sample> asked, Examinee model) {
        requireMeasurable(asked);
        return temperature() == 0 ? model.answers(asked)
                : model.answers(asked, sampling()).stream().flatMap(List::stream).toList();
    }

    /** How answers are drawn. */
    default Sampling sampling() {
        return new Sampling(samples(), temperature(), topP(), seed());
    }

    @Override
    default void requireMeasurable(List<Sample> asked) {
        References.requirePrompts(method().name(), asked);
    }

    @Override
    default int answersPerPrompt() {
        return samples();
    }

    /**
     * The texts with at least {@code n} tokens.
     *
     * @throws FinetuneException when there is none
     */
    default <T> List<List<T>> longEnough(List<List<T>> texts, int n) {
        References.requireAny(method().name(), texts);
        List<List<T>> kept = texts.stream().filter(text -> text.size() >= n).toList();
        if (kept.isEmpty()) {
            throw new FinetuneException(method().name() + ": none of the " + texts.size() + " answers has " + n
                    + " of what is counted. Choose a smaller n, or more new tokens.");
        }
        return kept;
    }
}
