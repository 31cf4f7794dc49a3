package org.finetune4j.tokenizer;

/** A conversation that a model cannot be trained on; the message names the message index, the reason and the mend. */
public final class ConversationException extends TokenizerException {
    /** Makes an exception with a message that says what was found, where, and what to do. */
    public ConversationException(String message) {
        super(message);
    }
}
