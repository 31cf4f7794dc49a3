package org.finetune4j.methods.evaluate;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sequences of neighbouring tokens. */
final class NGrams {
    private NGrams() {
    }

    /** How often each sequence of {@code n} tokens occurs. */
    static <T> Map<List<T>, Integer> counts(List<T> tokens, int n) {
        Map<List<T>, Integer> counts = new HashMap<>();
        for (int i = 0; i + n <= tokens.size(); i++) {
            counts.merge(tokens.subList(i, i + n), 1, Integer::sum);
        }
        return counts;
    }

    /** How many sequences of {@code n} tokens there are. */
    static int total(int tokens, int n) {
        return Math.max(0, tokens - n + 1);
    }

    /** How many of the first are among the second, each counted as often as both have it. */
    static <T> int common(Map<List<T>, Integer> first, Map<List<T>, Integer> second) {
        int common = 0;
        for (Map.Entry<List<T>, Integer> entry : first.entrySet()) {
            common += Math.min(entry.getValue(), second.getOrDefault(entry.getKey(), 0));
        }
        return common;
    }
}
