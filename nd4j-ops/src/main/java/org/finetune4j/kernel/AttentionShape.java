package org.finetune4j.kernel;

/**
 * The heads of a grouped-query attention, and how its queries score and see keys.
 *
 * @param heads         query heads, a multiple of {@code keyValueHeads}
 * @param keyValueHeads key and value heads; each serves {@code heads / keyValueHeads} query heads
 * @param headDimension numbers per head
 * @param scores        scale, softcap and what a query sees
 */
public record AttentionShape(int heads, int keyValueHeads, int headDimension, AttentionScores scores) {
    /** Refuses head counts that do not divide. */
    public AttentionShape {
        if (heads < 1 || keyValueHeads < 1 || headDimension < 1 || heads % keyValueHeads != 0) {
            throw new IllegalArgumentException("attention with " + heads + " query heads, " + keyValueHeads
                    + " key-value heads and head dimension " + headDimension
                    + ": all must be positive and query heads a multiple of key-value heads");
        }
    }

    /** Causal attention over all earlier keys with the scale {@code 1 / sqrt(headDimension)}. */
    public AttentionShape(int heads, int keyValueHeads, int headDimension) {
        this(heads, keyValueHeads, headDimension, AttentionScores.of(Math.max(1, headDimension)));
    }

    /** The same heads with other scores. */
    public AttentionShape withScores(AttentionScores other) {
        return new AttentionShape(heads, keyValueHeads, headDimension, other);
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
     * Operations of attention forward, a multiplication and an addition counted as two: every query's products with the
     * keys and values that it sees. That is {@code 4 * heads * headDimension} for each such pair, of which a sequence of n
     * tokens has {@code n (n + 1) / 2} where attention is causal, fewer with a window, and {@code n^2} where it is not. The
     * gradients' products, without the probabilities computed again, are twice as many.
     *
     * @param offsets {@code [sequences + 1]}
     */
    public double operations(int[] offsets) {
        return operations(offsets, new int[offsets.length - 1]);
    }

    /**
     * Operations of attention forward where every sequence follows tokens that are cached: each query's products with those
     * of their keys and values that it sees too, so that n tokens after c are {@code n (n + 1 + 2 c) / 2} pairs without a
     * window.
     *
     * @param offsets      {@code [sequences + 1]}
     * @param cacheLengths {@code [sequences]}
     */
    public double operations(int[] offsets, int[] cacheLengths) {
        double pairs = 0;
        for (int s = 1; s < offsets.length; s++) {
            pairs += scores.pairs(offsets[s] - offsets[s - 1], cacheLengths[s - 1]);
        }
        return 4 * pairs * queryWidth();
    }

    /** The factor on query-key products, as the numbers of a FLOAT array are multiplied by it. */
    public float scale() {
        return (float) scores.scale();
    }
}
