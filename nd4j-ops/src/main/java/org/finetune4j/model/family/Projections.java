package org.finetune4j.model.family;

import java.util.List;

/** The linear layers that make queries, keys and values. */
public sealed interface Projections {
    /** Three layers. */
    record Separate(Linear query, Linear key, Linear value) implements Projections {
        @Override
        public List<Linear> layers() {
            return List.of(query, key, value);
        }

        @Override
        public Projections withBias(boolean bias) {
            return new Separate(query.withBias(bias), key.withBias(bias), value.withBias(bias));
        }
    }

    /**
     * One layer whose outputs are runs of queries, keys and values: one run for all heads, or one for each.
     *
     * @param queries how many queries a run begins with
     * @param keys    how many keys follow, and then as many values
     */
    record Fused(Linear all, int queries, int keys) implements Projections {
        @Override
        public List<Linear> layers() {
            return List.of(all);
        }

        @Override
        public Projections withBias(boolean bias) {
            return new Fused(all.withBias(bias), queries, keys);
        }
    }

    /** All of them. */
    List<Linear> layers();

    /** These with or without biases. */
    Projections withBias(boolean bias);
}
