package org.finetune4j.methods.objective;

/** How token losses are averaged over one optimiser step, all of its micro-batches together (card {@code sft}). */
public enum Reduction {
    /** Sum over supervised tokens, divided by their number in the step. */
    TOKENS,
    /** Mean over sequences of each sequence's token mean. */
    SEQUENCES,
    /** Sum over supervised tokens, divided by the number of sequences in the step. */
    SUM_PER_SEQUENCE
}
