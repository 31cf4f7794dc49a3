package org.finetune4j.methods.data;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.jspecify.annotations.Nullable;

/** Streams of samples that are made of others, one after the other. */
final class SampleStream {
    private SampleStream() {
    }

    /** What becomes of a sample. */
    @FunctionalInterface
    interface Change {
        /** The samples in its place, maybe none. */
        List<Sample> of(Sample sample);
    }

    /**
     * Changes every sample of a stream, which is closed with the result.
     *
     * @param method who does so, for the message that refuses rows of another kind
     */
    static RowStream each(String method, RowStream from, Change change) {
        return new RowStream() {
            private final Deque<Sample> made = new ArrayDeque<>();

            @Override
            public @Nullable Row next() {
                while (made.isEmpty()) {
                    Row row = from.next();
                    if (row == null) {
                        return null;
                    }
                    made.addAll(change.of(sample(method, row)));
                }
                return made.removeFirst();
            }

            @Override
            public void close() {
                from.close();
            }
        };
    }

    /** A row as a sample, or a refusal. */
    static Sample sample(String method, Row row) {
        if (row instanceof Sample sample) {
            return sample;
        }
        throw new FinetuneException(method + ": " + row.id() + " is of " + Row.nameOf(row.getClass()) + ", but "
                + Row.nameOf(Sample.class) + " are needed. Take chosenOnly() of the data.");
    }
}
