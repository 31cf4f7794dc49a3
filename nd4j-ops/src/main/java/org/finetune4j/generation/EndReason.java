package org.finetune4j.generation;

/** Why a text ended. */
public enum EndReason {
    /** A stop token came. */
    STOP_TOKEN,
    /** A stop string came; the text is cut before it. */
    STOP_STRING,
    /** It has as many new tokens as the settings allow. */
    LENGTH,
    /** The model's context is full. */
    CONTEXT_FULL,
    /** The form that it is held to is complete and cannot go on. */
    STRUCTURE_COMPLETE,
    /** The form that it is held to is complete, but was brought to an end because the tokens ran out. */
    STRUCTURE_CLOSED,
    /** Whoever listens ended it. */
    CANCELLED
}
