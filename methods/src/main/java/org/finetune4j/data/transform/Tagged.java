package org.finetune4j.data.transform;

import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows that remember a word of the recipe, such as the task that they are about.
 *
 * @param source what is read
 * @param tag    the word
 */
public record Tagged(DataSource source, String tag) implements Derived {
    /** Refuses an empty tag. */
    public Tagged {
        if (tag.isBlank()) {
            throw new FinetuneException("tagged(...) has an empty tag. Give it a word.");
        }
    }

    @Override
    public RowStream open(DataReport report) {
        return new DerivedRows(source.open(report)) {
            @Override
            public @Nullable Row next() {
                Row row = from.next();
                return row == null ? null : row.tagged(tag);
            }
        };
    }

    @Override
    public String change() {
        return "tagged " + tag;
    }
}
