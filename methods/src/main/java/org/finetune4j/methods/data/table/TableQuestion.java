package org.finetune4j.methods.data.table;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.finetune4j.methods.data.Draws;

/**
 * A question about a table and its exact answer.
 *
 * @param question what is asked
 * @param answer   the answer, as short as it can be
 * @param depth    where the row asked about stands, in [0, 1), or -1 where all rows are asked about
 */
public record TableQuestion(String question, String answer, double depth) {
    /** What is asked. */
    public enum Kind {
        /** A cell by key and column. */
        CELL,
        /** A whole row by its key. */
        ROW,
        /** The key of a row by a value that no other row has in that column. */
        KEY,
        /** The cells of one column by several keys. */
        CELLS,
        /** The largest number of a column, or how many rows have a value. */
        AGGREGATE
    }

    /** Rows that CELLS asks about. */
    private static final int SEVERAL = 3;

    /** Draws a question about a table with at least one row; the row it is about is as likely to be any. */
    public static TableQuestion draw(Table table, Kind kind, Draws draws) {
        int row = draws.below(table.rows().size());
        double depth = (double) row / table.rows().size();
        String key = table.rows().get(row).get(0);
        String column = draws.pick(table.columns().subList(1, table.columns().size()));
        return switch (kind) {
            case CELL -> new TableQuestion("What is the " + column + " of " + key + "?", table.cell(key, column),
                    depth);
            case ROW -> new TableQuestion("Give the whole row of " + key + ", with commas.",
                    String.join(",", table.row(key)), depth);
            case KEY -> key(table, row, depth);
            case CELLS -> cells(table, row, column, depth, draws);
            case AGGREGATE -> aggregate(table, draws);
        };
    }

    /** Numbers are the likeliest to be unique; where none is, the day and the rest of the row are asked for. */
    private static TableQuestion key(Table table, int row, double depth) {
        List<String> cells = table.rows().get(row);
        for (int column = 1; column < cells.size(); column++) {
            if (table.count(table.columns().get(column), cells.get(column)) == 1) {
                return new TableQuestion("Which " + table.columns().get(0) + " has the " + table.columns().get(column)
                        + " "
                        + cells.get(column) + "?", cells.get(0), depth);
            }
        }
        return new TableQuestion("What is the " + table.columns().get(1) + " of " + cells.get(0) + "?", cells.get(1),
                depth);
    }

    private static TableQuestion cells(Table table, int row, String column, double depth, Draws draws) {
        List<String> keys = new ArrayList<>(List.of(table.rows().get(row).get(0)));
        for (List<String> other : draws.sample(table.rows(), SEVERAL)) {
            if (keys.size() < SEVERAL && !keys.contains(other.get(0))) {
                keys.add(other.get(0));
            }
        }
        return new TableQuestion("Give the " + column + " of " + String.join(", ", keys) + ", with commas.",
                keys.stream().map(one -> table.cell(one, column)).collect(Collectors.joining(",")), depth);
    }

    private static TableQuestion aggregate(Table table, Draws draws) {
        if (draws.below(2) == 0) {
            return new TableQuestion("What is the largest " + TableSource.NUMBERS + "?",
                    String.valueOf(table.max(TableSource.NUMBERS)), -1);
        }
        String value = table.cell(draws.pick(table.rows()).get(0), TableSource.WORDS);
        return new TableQuestion("How many rows have the " + TableSource.WORDS + " " + value + "?",
                String.valueOf(table.count(TableSource.WORDS, value)), -1);
    }
}
