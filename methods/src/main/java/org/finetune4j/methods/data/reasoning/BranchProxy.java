package org.finetune4j.methods.data.reasoning;

/** What tells how much a trajectory branches. */
public enum BranchProxy {
    /** The share of steps with a cue such as {@code alternatively}. */
    KEYWORDS,
    /** How many steps more than a reference trajectory has, as a share of those. */
    STEP_COUNT
}
