package org.finetune4j.generation.structure;

import org.finetune4j.FinetuneException;

/** A regular expression or JSON schema that cannot be held to; the message names the place and what to do. */
public final class StructureException extends FinetuneException {
    private static final long serialVersionUID = 1L;

    /** Creates the failure with its whole message. */
    public StructureException(String message) {
        super(message);
    }
}
