package org.finetune4j.model;

/** Hears how the loading of a model goes on, on the thread that loads. */
@FunctionalInterface
public interface LoadProgress {
    /** One that does nothing. */
    LoadProgress NONE = (done, total) -> { };

    /**
     * A weight was read.
     *
     * @param done  elements of weights read so far
     * @param total elements of all weights
     */
    void read(long done, long total);
}
