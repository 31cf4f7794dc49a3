package org.finetune4j;

import org.jspecify.annotations.Nullable;

/**
 * A failure that its user can mend. The message says what was found, where, why it is refused and what to do; the
 * launcher prints the message alone, without a stack trace.
 */
public class FinetuneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates the failure with its whole message. */
    public FinetuneException(String message) {
        super(message);
    }

    /** Creates the failure with its whole message and what caused it. */
    public FinetuneException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
