package org.finetune4j.kernel.onednn;

/**
 * The memory of a cache of keys and values {@code [sequences, capacity, keyValueHeads * headDimension]}.
 *
 * @param keys     its address
 * @param values   that of its values
 * @param capacity rows per sequence
 */
record AttentionCache(long keys, long values, long capacity) {
    /** The row of a sequence's key at a place. */
    long row(int sequence, int place) {
        return sequence * capacity + place;
    }
}
