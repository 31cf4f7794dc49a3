package org.finetune4j.data;

/** What to do with a sample that is longer than the maximum. */
public enum TooLong {
    /** Refuse the data, naming the samples. */
    ERROR,
    /** Leave the sample out and count it. */
    DROP,
    /** Keep the start, cut the end and count it; a sample that loses its whole response is refused. */
    KEEP_START,
    /** Keep the end, cut the start and count it; a sample that loses its whole response is refused. */
    KEEP_END,
    /**
     * Cut the sample into pieces that fit, each beginning with the last token of the one before, so that every
     * supervised token is learned once; pieces without one are left out.
     */
    SPLIT;

    /** Whether a long sample becomes one shorter one. */
    public boolean cuts() {
        return this == KEEP_START || this == KEEP_END;
    }
}
