package org.finetune4j.methods.evaluate;

import java.util.List;

/**
 * A metric's outcome.
 *
 * @param name          the metric's name
 * @param signature     the conventions used, such as {@code exact_match|filter:gsm8k-strict}
 * @param value         the score
 * @param standardError standard error of the value
 * @param count         number of items
 * @param unparsable    items of which no answer could be extracted
 * @param items         the score of every item
 */
public record MetricResult(String name, String signature, double value, double standardError, int count,
                           int unparsable, List<Double> items) {
    /** Keeps an immutable copy. */
    public MetricResult {
        items = List.copyOf(items);
    }
}
