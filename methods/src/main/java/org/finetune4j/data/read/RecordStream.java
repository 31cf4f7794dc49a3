package org.finetune4j.data.read;

import org.jspecify.annotations.Nullable;

/** Records one after the other, in an order that is the same every time. It is used by one thread. */
public interface RecordStream extends AutoCloseable {
    /**
     * The next record, or null behind the last one.
     *
     * @throws org.finetune4j.FinetuneException when it cannot be read; the message names the place
     */
    @Nullable RawRecord next();

    @Override
    void close();
}
