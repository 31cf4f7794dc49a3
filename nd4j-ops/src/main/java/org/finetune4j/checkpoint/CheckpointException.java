package org.finetune4j.checkpoint;

import org.finetune4j.FinetuneException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A model file that cannot be read or written; the message names the file, what was found there, and the mend. */
public final class CheckpointException extends FinetuneException {
    /**
     * Makes an exception about one file.
     *
     * @param file the file or folder it is about
     * @param found what is wrong there, without a full stop
     * @param mend what the reader of the message should do, without a full stop
     */
    public CheckpointException(Path file, String found, String mend) {
        this(file, found, mend, null);
    }

    /**
     * Makes an exception about one file, with its cause.
     *
     * @param file the file or folder it is about
     * @param found what is wrong there, without a full stop
     * @param mend what the reader of the message should do, without a full stop
     * @param cause what was thrown below, or null
     */
    public CheckpointException(Path file, String found, String mend, @Nullable Throwable cause) {
        super(file + ": " + found + ". " + mend + ".", cause);
    }
}
