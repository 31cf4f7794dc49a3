package org.finetune4j.data.transform;

import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows from one place to another.
 *
 * @param source what is read
 * @param skip   rows left out at the beginning, at least 0
 * @param take   the most rows given after them, at least 1; null for all
 */
public record Range(DataSource source, long skip, @Nullable Long take) implements Derived {
    /** Refuses negative numbers. */
    public Range {
        if (skip < 0 || take != null && take < 1) {
            throw new FinetuneException(skip < 0 ? "skip(" + skip + "), but at least 0 rows can be left out."
                    : "take(" + take + "), but at least 1 row is needed.");
        }
    }

    @Override
    public RowStream open(DataReport report) {
        return new DerivedRows(source.open(report)) {
            private long given;
            private boolean skipped;

            @Override
            public @Nullable Row next() {
                for (long i = 0; !skipped && i < skip; i++) {
                    if (from.next() == null) {
                        throw new FinetuneException("skip(" + skip + ") leaves no row of " + source.description()
                                + ", which has only " + i + ".");
                    }
                }
                skipped = true;
                return take != null && given++ >= take ? null : from.next();
            }
        };
    }

    @Override
    public String change() {
        return "rows from " + skip + ", " + take + " of them";
    }
}
