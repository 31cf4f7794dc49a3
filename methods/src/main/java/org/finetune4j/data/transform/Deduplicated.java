package org.finetune4j.data.transform;

import java.util.HashSet;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Contents;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.jspecify.annotations.Nullable;

/**
 * Every row but repetitions of an earlier one. Rows are equal when all that they say is, after case, white space and
 * compatible characters are made alike; with a threshold, also when they share that much of their words. A hash for
 * every row is kept in memory, with a threshold 600 bytes.
 *
 * @param source what is read
 * @param near   the least Jaccard similarity of two rows' word triples, in (0, 1], at which the later one is left out,
 *               estimated by {@link MinHash}; null for equal rows alone
 */
public record Deduplicated(DataSource source, @Nullable Double near) implements Derived {
    /** Refuses thresholds out of range. */
    public Deduplicated {
        if (near != null && !(near > 0 && near <= 1)) {
            throw new FinetuneException("deduplicate(near = " + near + "), but the threshold must be above 0 and at "
                    + "most 1.");
        }
    }

    @Override
    public RowStream open(DataReport report) {
        return new DerivedRows(source.open(report)) {
            private final Set<Contents.Hash> seen = new HashSet<>();
            private final @Nullable MinHash similar = near == null ? null : new MinHash(near);

            @Override
            public @Nullable Row next() {
                for (Row row = from.next(); row != null; row = from.next()) {
                    if (!seen.add(Contents.normalisedHash(row))) {
                        report.count("repetitions left out of " + source.description());
                        continue;
                    }
                    String earlier = similar == null ? null : similar.earlierLike(row.id(), Contents.text(row));
                    if (earlier == null) {
                        return row;
                    }
                    report.count("near repetitions (similarity of at least " + near + ") left out of "
                            + source.description());
                    report.note("near " + source.description(), "the last near repetition is " + row.id() + ", like "
                            + earlier);
                }
                return null;
            }
        };
    }

    @Override
    public String change() {
        return "deduplicated " + near;
    }
}
