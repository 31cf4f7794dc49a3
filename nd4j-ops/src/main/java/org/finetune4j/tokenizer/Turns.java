package org.finetune4j.tokenizer;

/** Whose words a model learns. */
public enum Turns {
    /** What the assistant says in every turn. */
    ASSISTANT,

    /** What the assistant says in its last turn. */
    LAST,

    /** Everything, role headers and the other speakers included. */
    ALL_TEXT
}
