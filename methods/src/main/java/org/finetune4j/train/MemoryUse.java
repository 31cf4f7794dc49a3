package org.finetune4j.train;

/** What is kept in memory for the reverse pass, and what is computed again; the result is the same, bit for bit. */
public enum MemoryUse {
    /**
     * As little is computed again as the memory that this process may use allows; where weights are frozen, half of what is
     * left then may hold copies of them by which gradients are multiplied faster.
     */
    AUTO,
    /** Nothing is computed again, and frozen weights are copied as with {@link #AUTO}. */
    FASTEST,
    /** Everything is computed again for which less memory is needed then. */
    SMALLEST,
    /** So many blocks as {@link TrainSettings#recomputedBlocks()} says are computed again. */
    BLOCKS
}
