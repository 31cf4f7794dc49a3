package org.finetune4j.methods.judge;

/** What a judge says of a reply. */
public enum Verdict {
    /** It is right. */
    ACCEPTED,
    /** It is not. */
    REJECTED,
    /** The judge said neither, which counts as rejected. */
    UNPARSABLE
}
