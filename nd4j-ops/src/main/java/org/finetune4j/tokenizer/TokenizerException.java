package org.finetune4j.tokenizer;

import org.jspecify.annotations.Nullable;

/** A tokenizer that cannot be loaded or a text that cannot be tokenized; the message says where and what to do. */
public class TokenizerException extends RuntimeException {
    /** Makes an exception with a message that says what was found, where, and what to do. */
    public TokenizerException(String message) {
        this(message, null);
    }

    /** Makes an exception with its cause. */
    public TokenizerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
