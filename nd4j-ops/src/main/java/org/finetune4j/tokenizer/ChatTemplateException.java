package org.finetune4j.tokenizer;

/** A chat template that is missing, is not valid Jinja, or refuses a conversation. */
public final class ChatTemplateException extends TokenizerException {
    /** Makes an exception with a message that says what was found, where, and what to do. */
    public ChatTemplateException(String message) {
        super(message);
    }
}
