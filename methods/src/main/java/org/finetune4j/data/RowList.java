package org.finetune4j.data;

import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import org.finetune4j.checkpoint.Hashes;

/**
 * Rows in memory.
 *
 * @param description what they are
 * @param list        the rows
 */
record RowList(String description, List<Row> list) implements DataSource {
    /** Keeps an immutable copy. */
    RowList {
        list = List.copyOf(list);
    }

    @Override
    public RowStream open(DataReport report) {
        return RowStreams.of(list.iterator(), row -> { }, () -> { });
    }

    @Override
    public String fingerprint() {
        StringBuilder contents = new StringBuilder();
        list.forEach(row -> contents.append(row.id()).append(' ').append(Contents.hash(row))
                // Methods that rewrite rows read their fields.
                .append(row instanceof Sample sample ? new TreeMap<>(sample.fields()) : "").append(row.provenance()).append('\n'));
        return "rows " + Hashes.of(contents.toString());
    }
}
