package org.finetune4j.data;

import org.jspecify.annotations.Nullable;

/** Rows one after the other, in an order that is the same every time. It is used by one thread. */
public interface RowStream extends AutoCloseable {
    /**
     * The next row, or null behind the last one.
     *
     * @throws org.finetune4j.FinetuneException when it cannot be read; the message names the place
     */
    @Nullable Row next();

    @Override
    void close();
}
