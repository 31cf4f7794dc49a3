package org.finetune4j.train;

/** What is kept in memory for the reverse pass, and what is computed again; the result is the same, bit for bit. */
public enum MemoryUse {
    /** As little is computed again as the memory that this process may use allows. */
    AUTO,
    /** Nothing is computed again. */
    FASTEST,
    /** Everything is computed again for which less memory is needed then. */
    SMALLEST,
    /** So many blocks as {@link TrainSettings#recomputedBlocks()} says are computed again. */
    BLOCKS
}
