package org.finetune4j.data;

import java.util.Iterator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Streams of rows that are not read from a file. */
public final class RowStreams {
    private RowStreams() {
    }

    /**
     * The rows of an iterator.
     *
     * @param given  hears of every row that is given
     * @param closed runs when the stream is closed
     */
    public static RowStream of(Iterator<? extends Row> rows, Consumer<Row> given, Runnable closed) {
        return new RowStream() {
            @Override
            public @Nullable Row next() {
                if (!rows.hasNext()) {
                    return null;
                }
                Row row = rows.next();
                given.accept(row);
                return row;
            }

            @Override
            public void close() {
                closed.run();
            }
        };
    }
}
