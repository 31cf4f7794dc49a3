package org.finetune4j.methods.evaluate;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
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
 * @param details       what else is known, by name and in order, such as a brevity penalty; may be empty
 */
public record MetricResult(String name, String signature, double value, @Nullable Double standardError, int count,
                           int unparsable, List<Double> items, Map<String, String> details) {
    /** Keeps immutable copies; the details keep their order. */
    public MetricResult {
        items = List.copyOf(items);
        details = Collections.unmodifiableMap(new LinkedHashMap<>(details));
    }

    /** A result without details. */
    public MetricResult(String name, String signature, double value, @Nullable Double standardError, int count,
                        int unparsable, List<Double> items) {
        this(name, signature, value, standardError, count, unparsable, items, Map.of());
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

    /**
     * A value of all items together, whose standard error is that of {@link Bootstrap}.
     *
     * @param items   the score of every item, at least one
     * @param valueOf the value of a list of items, each given by its place; one may occur more than once
     */
    static MetricResult corpus(String name, String signature, List<Double> items, int unparsable,
                               ToDoubleFunction<int[]> valueOf) {
        return new MetricResult(name, signature, valueOf.applyAsDouble(Bootstrap.all(items.size())),
                Bootstrap.standardError(items.size(), valueOf), items.size(), unparsable, items);
    }

    /** This result with details. */
    MetricResult with(Map<String, String> more) {
        return new MetricResult(name, signature, value, standardError, count, unparsable, items, more);
    }

    /** This result with one convention more in its signature. */
    public MetricResult by(String convention) {
        return new MetricResult(name, signature + "|" + convention, value, standardError, count, unparsable, items, details);
    }

    /** This result under another name. */
    MetricResult named(String other) {
        return new MetricResult(other, signature, value, standardError, count, unparsable, items, details);
    }
}
