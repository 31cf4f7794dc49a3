package org.finetune4j.methods.evaluate;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A metric's outcome.
 *
 * @param name          the metric's name
 * @param signature     the conventions used, such as {@code exact_match|filter:gsm8k-strict}
 * @param value         the score
 * @param standardError standard error of the value, or null where it is not defined, as for a single item
 * @param count         number of items
 * @param unparsable    items of which no answer could be extracted
 * @param items         the score of every item
 */
public record MetricResult(String name, String signature, double value, @Nullable Double standardError, int count,
                           int unparsable, List<Double> items) {
    /** Keeps an immutable copy. */
    public MetricResult {
        items = List.copyOf(items);
    }

    /**
     * The mean of the items' scores with its standard error {@code s / sqrt(n)}, s being taken with n - 1.
     *
     * @param items at least one score
     */
    public static MetricResult mean(String name, String signature, List<Double> items, int unparsable) {
        int count = items.size();
        double mean = items.stream().mapToDouble(Double::doubleValue).sum() / count;
        double squares = items.stream().mapToDouble(item -> (item - mean) * (item - mean)).sum();
        Double standardError = count > 1 ? Math.sqrt(squares / (count - 1) / count) : null;
        return new MetricResult(name, signature, mean, standardError, count, unparsable, items);
    }
}
