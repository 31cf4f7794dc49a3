package org.finetune4j.tokenizer;

/** Which parts of a conversation a model learns. */
public enum Turns {
    /** What the assistant says in every turn, with the token that ends the turn. */
    ASSISTANT,

    /** What the assistant says in its last turn, with the token that ends the turn. */
    LAST,

    /** Everything, role headers and the other speakers included. */
    ALL_TEXT
}
