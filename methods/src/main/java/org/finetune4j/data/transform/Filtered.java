package org.finetune4j.data.transform;

import java.util.function.Predicate;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.jspecify.annotations.Nullable;

/**
 * The rows that somebody's own code keeps. What the code does is not known here, so that nothing encoded is kept for
 * another run.
 *
 * @param source what is read
 * @param keeps  whether a row stays; it must answer alike every time
 */
public record Filtered(DataSource source, Predicate<Row> keeps) implements Derived {
    @Override
    public RowStream open(DataReport report) {
        return new DerivedRows(source.open(report)) {
            @Override
            public @Nullable Row next() {
                for (Row row = from.next(); row != null; row = from.next()) {
                    if (keeps.test(row)) {
                        return row;
                    }
                    report.count("left out of " + source.description() + " by filter { }");
                }
                return null;
            }
        };
    }

    @Override
    public @Nullable String change() {
        return null;
    }
}
