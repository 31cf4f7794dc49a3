package org.finetune4j.kernel;

/**
 * The heads of a grouped-query attention.
 *
 * @param heads         query heads, a multiple of {@code keyValueHeads}
 * @param keyValueHeads key and value heads; each serves {@code heads / keyValueHeads} query heads
 * @param headDimension numbers per head
 */
public record AttentionShape(int heads, int keyValueHeads, int headDimension) {
    /** Refuses head counts that do not divide. */
    public AttentionShape {
        if (heads < 1 || keyValueHeads < 1 || headDimension < 1 || heads % keyValueHeads != 0) {
            throw new IllegalArgumentException("attention with " + heads + " query heads, " + keyValueHeads
                    + " key-value heads and head dimension " + headDimension
                    + ": all must be positive and query heads a multiple of key-value heads");
        }
    }

    /** Query heads per key-value head. */
    public int group() {
        return heads / keyValueHeads;
    }

    /** Width of a query row: {@code heads * headDimension}. */
    public int queryWidth() {
        return heads * headDimension;
    }

    /** Width of a key or value row: {@code keyValueHeads * headDimension}. */
    public int keyValueWidth() {
        return keyValueHeads * headDimension;
    }

    /**
     * Operations of causal attention forward, a multiplication and an addition counted as two: every query's products
     * with its own and earlier keys and values, {@code 4 * heads * headDimension * n (n + 1) / 2} for a sequence of n
     * tokens. The gradients' products, without the probabilities computed again, are twice as many.
     *
     * @param offsets {@code [sequences + 1]}
     */
    public double operations(int[] offsets) {
        return operations(offsets, new int[offsets.length - 1]);
    }

    /**
     * Operations of causal attention forward where every sequence follows tokens that are cached: each query's products
     * with those keys and values too, {@code 4 * heads * headDimension * n (n + 1 + 2 c) / 2} for n tokens after c.
     *
     * @param offsets      {@code [sequences + 1]}
     * @param cacheLengths {@code [sequences]}
     */
    public double operations(int[] offsets, int[] cacheLengths) {
        double pairs = 0;
        for (int s = 1; s < offsets.length; s++) {
            double length = offsets[s] - offsets[s - 1];
            pairs += length * (length + 1) / 2 + length * cacheLengths[s - 1];
        }
        return 4 * pairs * queryWidth();
    }

    /** The factor on query-key products: {@code 1 / sqrt(headDimension)}. */
    public float scale() {
        return (float) (1 / Math.sqrt(headDimension));
    }
}
