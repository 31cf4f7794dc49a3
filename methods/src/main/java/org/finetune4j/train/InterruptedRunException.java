package org.finetune4j.train;

import org.finetune4j.FinetuneException;

/** A run was asked to end and did, in good order; nothing was wrong with it. */
public final class InterruptedRunException extends FinetuneException {
    private static final long serialVersionUID = 1L;

    /** Tells how far the run came and how it goes on. */
    public InterruptedRunException(String message) {
        super(message);
    }
}
