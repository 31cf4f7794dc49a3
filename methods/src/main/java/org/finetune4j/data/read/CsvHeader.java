package org.finetune4j.data.read;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.finetune4j.FinetuneException;

/** The names in the first line of a table. They are read here, for DuckDB would rename those that occur twice. */
final class CsvHeader {
    private CsvHeader() {
    }

    /** What stands between the values of this file. */
    static String separator(DataFile file) {
        return file.kind() == FileKind.TSV ? "\t" : ",";
    }

    /** The names of the columns in their order; none where the file is empty. */
    static List<String> read(DataFile file) {
        List<String> names = split(file, firstLine(file));
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (name.isBlank()) {
                throw refused(file, "has no name for column " + (names.indexOf(name) + 1), "Give every column a name");
            }
            if (!seen.add(name)) {
                throw refused(file, "names two columns '" + name + "'", "Give every column its own name");
            }
        }
        return names;
    }

    private static String firstLine(DataFile file) {
        String sql = "SELECT line FROM read_csv(" + DuckRecords.path(file) + ", columns = {'line': 'VARCHAR'}, "
                + "header = false, auto_detect = false, delim = chr(31), quote = '', escape = '', strict_mode = false"
                + DuckRecords.LINES + DuckRecords.packing(file) + ") LIMIT 1";
        try (Duck duck = Duck.open(); Duck.Rows rows = duck.query(sql)) {
            String line = rows.next() ? rows.text(1) : null;
            return line == null ? "" : line.replaceFirst("^\uFEFF", "");
        } catch (SQLException e) {
            throw DuckRecords.refused(file.path(), e);
        }
    }

    private static List<String> split(DataFile file, String line) {
        List<String> names = new ArrayList<>();
        if (line.isEmpty()) {
            return names;
        }
        char separator = separator(file).charAt(0);
        StringBuilder name = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '"' && quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
                name.append(c);
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == separator && !quoted) {
                names.add(name.toString().strip());
                name.setLength(0);
            } else {
                name.append(c);
            }
        }
        if (quoted) {
            throw refused(file, "has a name with a line break or an open quote", "Write the names of the columns on "
                    + "one line");
        }
        names.add(name.toString().strip());
        return names;
    }

    private static FinetuneException refused(DataFile file, String found, String mend) {
        return new FinetuneException(file.path() + ":1 " + found + ". " + mend + ".");
    }
}
