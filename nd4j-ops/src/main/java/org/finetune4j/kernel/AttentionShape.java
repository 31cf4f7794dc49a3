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

    /** The factor on query-key products: {@code 1 / sqrt(headDimension)}. */
    public float scale() {
        return (float) (1 / Math.sqrt(headDimension));
    }
}
