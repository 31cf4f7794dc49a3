package org.finetune4j.data.transform;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * The rows in another order: a buffer is filled, and each row given is drawn from it and replaced by the next. A buffer
 * of the size of the source makes every order as likely as any other; a smaller one moves rows forward by at most its
 * size.
 *
 * @param source what is read
 * @param seed   decides the order
 * @param buffer rows that are kept in memory, at least 1
 */
public record Shuffled(DataSource source, long seed, int buffer) implements Derived {
    /** Refuses an empty buffer. */
    public Shuffled {
        if (buffer < 1) {
            throw new FinetuneException("shuffle(buffer = " + buffer + "), but at least one row must be kept.");
        }
    }

    @Override
    public RowStream open(DataReport report) {
        return new DerivedRows(source.open(report)) {
            private final List<Row> kept = new ArrayList<>();
            private final long random = CounterRandom.seed(seed, "shuffle", 0);
            private long draws;
            private boolean ended;

            @Override
            public @Nullable Row next() {
                while (!ended && kept.size() < buffer) {
                    Row row = from.next();
                    if (row == null) {
                        ended = true;
                    } else {
                        kept.add(row);
                    }
                }
                if (kept.isEmpty()) {
                    return null;
                }
                int drawn = (int) Long.remainderUnsigned(CounterRandom.bits(random, draws++), kept.size());
                Row row = kept.get(drawn);
                Row last = kept.remove(kept.size() - 1);
                if (drawn < kept.size()) {
                    kept.set(drawn, last);
                }
                return row;
            }
        };
    }

    @Override
    public String change() {
        return "shuffled " + seed + " " + buffer;
    }
}
