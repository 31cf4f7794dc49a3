package org.finetune4j.methods.data.table;

import java.util.List;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;

/**
 * A table whose first column is its key.
 *
 * @param columns names, the key's first
 * @param rows    the cells of every row, as many as there are columns
 */
public record Table(List<String> columns, List<List<String>> rows) {
    /** How a table is written. */
    public enum Format {
        /** Cells between upright strokes. */
        MARKDOWN,
        /** Cells between commas. */
        CSV
    }

    /**
     * Keeps immutable copies and refuses rows of another width and keys that occur twice with a
     * {@link FinetuneException}.
     */
    public Table {
        columns = List.copyOf(columns);
        rows = rows.stream().map(List::copyOf).toList();
        int width = columns.size();
        if (rows.stream().anyMatch(row -> row.size() != width)) {
            throw new FinetuneException("a table has rows of other widths than its " + width + " columns.");
        }
        if (rows.stream().map(row -> row.get(0)).distinct().count() != rows.size()) {
            throw new FinetuneException("a table has a key twice. Give every row its own.");
        }
    }

    /** A cell by key and column. */
    public String cell(String key, String column) {
        return row(key).get(index(column));
    }

    /** The row with this key. */
    public List<String> row(String key) {
        return rows.stream().filter(row -> row.get(0).equals(key)).findFirst()
                .orElseThrow(() -> new FinetuneException("a table has no row '" + key + "'."));
    }

    /** The key of the only row with this value in a column. */
    public String key(String column, String value) {
        List<String> keys = rows.stream().filter(row -> row.get(index(column)).equals(value)).map(row -> row.get(0))
                .toList();
        if (keys.size() != 1) {
            throw new FinetuneException("a table has " + keys.size() + " rows whose " + column + " is " + value
                    + ", but one is asked for.");
        }
        return keys.get(0);
    }

    /** The sum of a column of whole numbers. */
    public long sum(String column) {
        return rows.stream().mapToLong(row -> Long.parseLong(row.get(index(column)))).sum();
    }

    /** The largest number of a column of whole numbers. */
    public long max(String column) {
        return rows.stream().mapToLong(row -> Long.parseLong(row.get(index(column)))).max()
                .orElseThrow(() -> new FinetuneException("a table without rows has no largest number."));
    }

    /** How many rows have this value in a column. */
    public long count(String column, String value) {
        return rows.stream().filter(row -> row.get(index(column)).equals(value)).count();
    }

    private int index(String column) {
        int index = columns.indexOf(column);
        if (index < 0) {
            throw new FinetuneException("a table has no column '" + column + "'; it has " + columns + ".");
        }
        return index;
    }

    /** The first line or lines: the names of the columns. */
    String header(Format format) {
        return format == Format.CSV ? String.join(",", columns)
                : line(columns, format) + "\n" + columns.stream().map(any -> "---")
                .collect(Collectors.joining("|", "|", "|"));
    }

    /** One row as it is written. */
    static String line(List<String> row, Format format) {
        return format == Format.CSV ? String.join(",", row) : row.stream().collect(Collectors.joining("|", "|", "|"));
    }

    /** The whole table as it is written. */
    public String write(Format format) {
        return rows.stream().map(row -> "\n" + line(row, format)).collect(Collectors.joining("", header(format), ""));
    }
}
