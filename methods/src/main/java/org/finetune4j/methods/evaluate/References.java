package org.finetune4j.methods.evaluate;

import java.util.List;
import java.util.regex.Pattern;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.jspecify.annotations.Nullable;

/** What answers are compared with. */
public final class References {
    private References() {
    }

    /** The reference of a sample: its answer or, without one, its response; null where there is neither. */
    public static @Nullable String of(Sample sample) {
        return sample.answer() != null ? sample.answer() : sample.response();
    }

    /** The references of samples that have them. */
    static List<String> of(List<Sample> samples) {
        return samples.stream().map(sample -> String.valueOf(of(sample))).toList();
    }

    /** Refuses samples that ask nothing or have no reference. */
    static void require(String metric, List<Sample> samples) {
        requireAny(metric, samples);
        for (Sample sample : samples) {
            if (sample.isDocument() || of(sample) == null) {
                throw new FinetuneException(metric + ": " + sample.id() + " has no reference answer to score against. "
                        + "Give it an answer or a response, or leave the metric out.");
            }
        }
    }

    /** Refuses samples that ask nothing. */
    static void requirePrompts(String metric, List<Sample> samples) {
        requireAny(metric, samples);
        samples.stream().filter(Sample::isDocument).findFirst().ifPresent(sample -> {
            throw new FinetuneException(metric + ": " + sample.id() + " is a plain text, which asks for no answer. Give "
                    + "it a prompt, or leave the metric out.");
        });
    }

    static void requireAny(String metric, List<?> samples) {
        if (samples.isEmpty()) {
            throw nothing(metric);
        }
    }

    /** Refuses lists that are empty or of different lengths. */
    static void requirePairs(String metric, List<?> predictions, List<?> references) {
        if (predictions.size() != references.size()) {
            throw new FinetuneException(metric + ": there are " + predictions.size() + " predictions and "
                    + references.size() + " references; give one reference for each prediction.");
        }
        if (predictions.isEmpty()) {
            throw nothing(metric);
        }
    }

    /** The right answers in one reference; an empty separator takes it as one. */
    static List<String> split(String reference, String separator) {
        return separator.isEmpty() ? List.of(reference) : List.of(reference.split(Pattern.quote(separator), -1));
    }

    private static FinetuneException nothing(String metric) {
        return new FinetuneException(metric + ": there is nothing to score. Give an evaluation file with at least one "
                + "sample that has an answer.");
    }
}
