package org.finetune4j.data;

/** What to do with a sample that is longer than the maximum. */
public enum TooLong {
    /** Refuse the data, naming the samples. */
    ERROR,
    /** Leave the sample out and count it. */
    DROP,
    /** Keep the start, cut the end and count it; a sample that loses its whole response is refused. */
    KEEP_START
}
