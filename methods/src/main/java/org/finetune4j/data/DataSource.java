package org.finetune4j.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.read.FileKind;
import org.jspecify.annotations.Nullable;

/** Where rows come from; they are read when a plan or a run asks for them, not before. */
public interface DataSource {
    /**
     * Opens the rows, from the first one and in a fixed order; they are read while they are asked for.
     *
     * @param report hears what happens to them
     * @throws FinetuneException when they cannot be read
     */
    RowStream open(DataReport report);

    /** What it is, for plans and messages, such as the path of a file. */
    String description();

    /**
     * A text that differs when the rows differ: hashes of files and every setting that changes a row, nothing else;
     * null where nobody can know, as with somebody's own code.
     *
     * @throws FinetuneException when a file cannot be read
     */
    @Nullable String fingerprint();

    /**
     * All rows.
     *
     * @throws FinetuneException when they cannot be read
     */
    default List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        try (RowStream stream = open(new DataReport())) {
            for (Row row = stream.next(); row != null; row = stream.next()) {
                rows.add(row);
            }
        }
        return rows;
    }

    /**
     * All rows as single responses and texts.
     *
     * @throws FinetuneException when they cannot be read, or some are of another kind
     */
    default List<Sample> samples() {
        List<Sample> samples = new ArrayList<>();
        Map<String, Long> others = new TreeMap<>();
        for (Row row : rows()) {
            if (row instanceof Sample sample) {
                samples.add(sample);
            } else {
                others.merge(Row.nameOf(row.getClass()), 1L, Long::sum);
            }
        }
        if (!others.isEmpty()) {
            throw new FinetuneException(description() + " holds " + others + ", where single responses or texts are "
                    + "needed. Take chosenOnly() of it, or another source.");
        }
        return samples;
    }

    /** A file with one JSON object a line. */
    static DataSource jsonLines(Path file, FieldMapping mapping) {
        return new FileSource(file.toString(), FileKind.JSON_LINES, mapping, "");
    }

    /** Rows that are in memory already. */
    static DataSource of(String description, List<? extends Row> rows) {
        return new RowList(description, List.copyOf(rows));
    }
}
