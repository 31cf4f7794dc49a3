package org.finetune4j.methods.data.text;

import java.util.ArrayList;
import java.util.List;

/** Puts the chunks of several documents in turns: first the first of each, then the second of each, and so on. */
public final class Interleaving {
    private Interleaving() {
    }

    /**
     * The chunks in their new order; documents that are exhausted are skipped, and each keeps its own order.
     *
     * @param documents the chunks of every document
     */
    public static <T> List<T> of(List<List<T>> documents) {
        List<T> order = new ArrayList<>();
        int rounds = documents.stream().mapToInt(List::size).max().orElse(0);
        for (int round = 0; round < rounds; round++) {
            for (List<T> chunks : documents) {
                if (round < chunks.size()) {
                    order.add(chunks.get(round));
                }
            }
        }
        return order;
    }
}
