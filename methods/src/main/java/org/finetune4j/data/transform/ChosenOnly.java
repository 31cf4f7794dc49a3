package org.finetune4j.data.transform;

import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.LabelledResponse;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.jspecify.annotations.Nullable;

/**
 * Responses that somebody preferred or called good, as single ones; the others are left out. Rows that are single
 * responses already stay as they are.
 *
 * @param source what is read
 */
public record ChosenOnly(DataSource source) implements Derived {
    @Override
    public RowStream open(DataReport report) {
        return new DerivedRows(source.open(report)) {
            @Override
            public @Nullable Row next() {
                for (Row row = from.next(); row != null; row = from.next()) {
                    if (row instanceof PreferencePair pair) {
                        report.count("rejected responses left out of " + source.description());
                        return pair.chosenSample();
                    }
                    if (!(row instanceof LabelledResponse labelled)) {
                        return row;
                    }
                    if (labelled.desirable()) {
                        return labelled.sample();
                    }
                    report.count("responses labelled bad left out of " + source.description());
                }
                return null;
            }
        };
    }

    @Override
    public String change() {
        return "chosen only";
    }
}
