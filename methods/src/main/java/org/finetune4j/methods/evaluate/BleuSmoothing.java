package org.finetune4j.methods.evaluate;

/** How sequences that no reference has are smoothed. */
public enum BleuSmoothing {
    /** The j-th order without a match counts {@code 1 / 2^j} matches. */
    EXP,
    /** An order without a match counts 0.1 matches. */
    FLOOR,
    /** Orders above 1 count one match and one sequence more. */
    ADD_K,
    /** An order without a match makes the score 0. */
    NONE
}
