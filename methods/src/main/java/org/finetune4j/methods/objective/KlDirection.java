package org.finetune4j.methods.objective;

/** Which way round a divergence between reference and policy is taken. */
public enum KlDirection {
    /** KL(reference || policy): the policy must cover what the reference finds likely. */
    FORWARD,
    /** KL(policy || reference): the policy must not put weight where the reference puts none. */
    REVERSE
}
