package org.finetune4j.train;

/** How the learning rate goes on after its warm-up. */
public enum Schedule {
    /** Down to 0 along half a cosine. */
    COSINE,
    /** Down to 0 along a line. */
    LINEAR,
    /** Unchanged. */
    CONSTANT
}
