package org.finetune4j.methods.data.facts;

/** What is made of invented facts. */
public enum FactPart {
    /** Texts that state them, to learn from. */
    TEXTS,
    /** Questions in the direction in which the texts state them. */
    FORWARD,
    /** Questions in the other direction; no text states a fact so. */
    BACKWARD
}
