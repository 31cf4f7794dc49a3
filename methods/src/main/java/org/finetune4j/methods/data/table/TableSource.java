package org.finetune4j.methods.data.table;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.finetune4j.methods.data.Draws;

/** Draws tables with a key, a colour, a number, a city and a day in every row. */
public final class TableSource {
    /** The column of numbers. */
    static final String NUMBERS = "count";
    /** A column of few different words. */
    static final String WORDS = "colour";
    private static final List<String> COLUMNS = List.of("id", WORDS, NUMBERS, "city", "day");
    private static final List<String> COLOURS = List.of("red", "blue", "green", "white", "black", "yellow");
    private static final List<String> CITIES =
            List.of("Oslo", "Lima", "Kyiv", "Rome", "Cairo", "Quito", "Delhi", "Accra",
            "Paris", "Tokyo", "Dakar", "Sofia", "Hanoi", "Minsk", "Tunis", "Amman");

    private static final int CORRECTIONS = 4;

    private TableSource() {
    }

    /**
     * A table whose size in pieces, as it is written, is as near to a wanted one as whole rows allow; it has at least
     * one row.
     *
     * @param count counts the pieces of a text
     */
    public static Table draw(Draws draws, Table.Format format, int pieces, ToIntFunction<String> count) {
        List<List<String>> rows = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        rows.add(row(draws, keys));
        int size = size(rows, format, count);
        // Rows differ and pieces of lines do not quite add up, so that the table is measured again after every
        // correction.
        for (int tries = 0; tries < CORRECTIONS; tries++) {
            int missing = Math.round((float) (pieces - size) * rows.size() / size);
            for (int i = 0; i < missing; i++) {
                rows.add(row(draws, keys));
            }
            rows.subList(Math.max(1, rows.size() + Math.min(0, missing)), rows.size()).clear();
            size = size(rows, format, count);
        }
        return new Table(COLUMNS, rows);
    }

    private static int size(List<List<String>> rows, Table.Format format, ToIntFunction<String> count) {
        return count.applyAsInt(new Table(COLUMNS, rows).write(format));
    }

    private static List<String> row(Draws draws, Set<String> keys) {
        String key = "k" + draws.below(1_000_000);
        while (!keys.add(key)) {
            key = "k" + draws.below(1_000_000);
        }
        return List.of(key, draws.pick(COLOURS), String.valueOf(draws.between(1, 99_999)), draws.pick(CITIES),
                String.format(Locale.ROOT, "%d-%02d-%02d", draws.between(1950, 2029), draws.between(1, 12),
                        draws.between(1, 28)));
    }
}
