package org.finetune4j.train;

/**
 * What a method remembers from step to step and a run must find again when it continues. Its text goes into checkpoints
 * and must bring back the same bits.
 */
public interface RunState {
    /** A name that no other state of the run has. */
    String name();

    /** All of it as text. */
    String save();

    /**
     * Becomes what was saved.
     *
     * @throws org.finetune4j.FinetuneException when the text is not of this state
     */
    void restore(String text);
}
