package org.finetune4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenValues;

/** Means over supervised tokens of what passes over batches found. */
final class Means {
    private static final String LOSS = "loss";

    private final Map<String, Double> sums = new LinkedHashMap<>();
    private long tokens;

    void add(TokenValues values, int supervisedTokens) {
        tokens += supervisedTokens;
        values.values().keySet().forEach(name -> sums.merge(name, values.sum(name), Double::sum));
    }

    long tokens() {
        return tokens;
    }

    double loss() {
        return sums.getOrDefault(LOSS, Double.NaN) / tokens;
    }

    /** Everything but the loss. */
    Map<String, Double> values() {
        Map<String, Double> means = new LinkedHashMap<>();
        sums.forEach((name, sum) -> {
            if (!name.equals(LOSS)) {
                means.put(name, sum / tokens);
            }
        });
        return means;
    }
}
