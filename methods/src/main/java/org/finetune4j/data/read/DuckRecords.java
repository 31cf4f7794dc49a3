package org.finetune4j.data.read;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/** The rows of a query as records, in the order in which the query gives them. */
final class DuckRecords implements RecordStream {
    /** The longest record of JSON in bytes. */
    private static final int MAXIMUM_BYTES = 1 << 27;
    /** How DuckDB is told the longest line of a table and its buffer, both in bytes. */
    static final String LINES = ", max_line_size = " + (1 << 24) + ", buffer_size = " + (1 << 25);
    /** A file is what it holds: folders named {@code key=value} give it no columns. */
    private static final String NO_FOLDERS = ", hive_partitioning = false";
    /** A name that no column of anybody's data has. */
    private static final String ROW = "finetune4j_row";
    private static final Pattern CSV_LINE = Pattern.compile("CSV Error on Line: (\\d+)");

    private final Duck duck;
    private final Duck.Rows rows;
    private final String name;
    private final String where;
    private long number;

    private DuckRecords(Duck duck, Duck.Rows rows, String name, String where) {
        this.duck = duck;
        this.rows = rows;
        this.name = name;
        this.where = where;
    }

    /** The rows of a table function, numbered, as JSON. */
    private static RecordStream ofTable(DataFile file, String table, String condition) {
        return of(file, numbered(table, "to_json(" + ROW + ")::VARCHAR", condition));
    }

    private static RecordStream of(DataFile file, String sql) {
        Duck duck = Duck.open();
        try {
            return new DuckRecords(duck, duck.query(sql), file.name(), file.path().toString());
        } catch (SQLException e) {
            closeAfter(duck, e);
            throw refused(file.path(), e);
        } catch (RuntimeException | Error e) {
            closeAfter(duck, e);
            throw e;
        }
    }

    private static void closeAfter(Duck duck, Throwable failure) {
        try {
            duck.close();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    private static String numbered(String table, String json, String condition) {
        return "SELECT finetune4j_number, finetune4j_json FROM (SELECT row_number() OVER () AS finetune4j_number, "
                + json + " AS finetune4j_json, " + ROW + ".* FROM " + table + " AS " + ROW + ")"
                + (condition.isBlank() ? "" : " WHERE (" + condition + "\n)");
    }

    static RecordStream ofParquet(DataFile file, String condition) {
        Condition.require(condition);
        return ofTable(file, "read_parquet(" + path(file) + NO_FOLDERS + ")", condition);
    }

    static RecordStream ofCsv(DataFile file, String condition) {
        Condition.require(condition);
        String columns = CsvHeader.read(file).stream().map(column -> Duck.quoted(column) + ": 'VARCHAR'")
                .collect(Collectors.joining(", "));
        if (columns.isEmpty()) {
            return new NoRecords();
        }
        String table = "read_csv(" + path(file) + ", columns = {" + columns + "}, header = true, auto_detect = "
                + "false, delim = "
                + Duck.quoted(CsvHeader.separator(file)) + ", quote = '\"', escape = '\"'" + LINES
                + NO_FOLDERS + packing(file) + ")";
        return ofTable(file, table, condition);
    }

    /** JSON that Java cannot unpack: DuckDB gives the text of every object as it stands in the file. */
    static RecordStream ofPackedJson(DataFile file, String condition) {
        if (!condition.isBlank()) {
            return Chosen.of(file, condition, ofPackedJson(file, ""));
        }
        String table = "read_json_objects(" + path(file) + ", format = '" + layout(file) + "', maximum_object_size = "
                + MAXIMUM_BYTES + packing(file) + ")";
        return of(file, "SELECT row_number() OVER (), json::VARCHAR FROM " + table);
    }

    /** The numbers, from 1, of the records of a JSON file that meet a condition. */
    static Duck.Rows numbersIn(Duck duck, DataFile file, String condition) {
        Condition.require(condition);
        String table = "read_json(" + path(file) + ", format = '" + layout(file) + "', sample_size = -1, "
                + "maximum_object_size = " + MAXIMUM_BYTES + NO_FOLDERS + packing(file) + ")";
        try {
            return duck.query(numbered(table, "NULL", condition).replaceFirst(", finetune4j_json FROM", " FROM"));
        } catch (SQLException e) {
            throw refused(file.path(), e);
        }
    }

    /** The rows of somebody's own query, which has been understood before. */
    static RecordStream ofQuery(Duck duck, String sql) {
        try {
            return new DuckRecords(duck, duck.query("SELECT 0, to_json(" + ROW + ")::VARCHAR FROM (" + sql + "\n) AS "
                    + ROW),
                    "sql", "the query");
        } catch (SQLException e) {
            throw new FinetuneException("the query cannot be run: " + Duck.reason(e) + ". Correct it. It reads: "
                    + sql, e);
        }
    }

    private static String layout(DataFile file) {
        return file.kind() == FileKind.JSON_LINES ? "newline_delimited" : "array";
    }

    /** A path as SQL writes it, in which nothing is a pattern. */
    static String path(DataFile file) {
        return Duck.quoted(file.path().toString().replaceAll("([*?\\[])", "[$1]"));
    }

    /** How DuckDB is told what a file is packed by. */
    static String packing(DataFile file) {
        return switch (file.packing()) {
            case NONE -> ", compression = 'none'";
            case GZIP -> ", compression = 'gzip'";
            case ZSTANDARD -> ", compression = 'zstd'";
        };
    }

    @Override
    public @Nullable RawRecord next() {
        try {
            if (!rows.next()) {
                return null;
            }
            long given = rows.number(1);
            number = given == 0 ? number + 1 : given;
            String place = where + " row " + number;
            return new RawRecord(JsonRecords.parseRow(place, String.valueOf(rows.text(2))), name + ":" + number, place);
        } catch (SQLException e) {
            throw refused(Path.of(where), e);
        }
    }

    static FinetuneException refused(Path path, SQLException failure) {
        String message = String.valueOf(failure.getMessage());
        Matcher line = CSV_LINE.matcher(message);
        if (line.find()) {
            String[] lines = message.split("\n");
            String text = lines.length > 1 ? lines[1].replaceFirst("Original Line: ", "") : "";
            String reason = java.util.Arrays.stream(lines).skip(2).filter(part -> part.startsWith("Expected Number")
                    || part.startsWith("Value with") || part.startsWith("Invalid unicode")
                    || part.startsWith("Maximum line")
                    || part.startsWith("The CSV")).findFirst().orElse(Duck.reason(failure));
            return new FinetuneException(path + ":" + line.group(1) + " is not a line of this table: "
                    + reason.strip().replaceFirst("\\.$", "") + ". Correct or remove it; a value that holds the "
                    + "separator, a quote or a line break stands in quotes. It reads: " + text.substring(0, Math.min(80,
                    text.length())),
                    failure);
        }
        return new FinetuneException(path + " cannot be read: " + Duck.reason(failure)
                + ". Check that the file is whole and of the kind that its name says.", failure);
    }

    @Override
    public void close() {
        try (Duck closed = duck; Duck.Rows alsoClosed = rows) {
            // Nothing else to do.
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A table without a header has no records. */
    private static final class NoRecords implements RecordStream {
        @Override
        public @Nullable RawRecord next() {
            return null;
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
