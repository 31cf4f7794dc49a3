package org.finetune4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.finetune4j.checkpoint.Hashes;

/**
 * How many rows of some data are also in other data. A row is there when one of the others asks the same first (its
 * turns up to and with the user's first one, or a document's text, after case, white space and compatible characters
 * are made alike), or when either was made of the other or both of the same row.
 *
 * @param rows     rows that were looked for, plain documents that were made of nothing else aside
 * @param shared   how many of them are there
 * @param examples ids of the first few of these
 */
public record Overlap(int rows, int shared, List<String> examples) {
    private static final int EXAMPLES = 3;
    private static final String IS = "is ";
    private static final String MADE_OF = "of ";

    /** Keeps an immutable copy. */
    public Overlap {
        examples = List.copyOf(examples);
    }

    /** Shared rows as a share of those that were looked for; 0 where there was none. */
    public double share() {
        return rows == 0 ? 0 : (double) shared / rows;
    }

    /** The hash of what a row asks first, by which equal prompts are told. */
    public static long prompt(Row row) {
        return Contents.promptHash(row).high();
    }

    /** What a row leaves in data, so that others are found to overlap with it. */
    public static long[] marks(Row row) {
        List<Long> marks = new ArrayList<>();
        if (!isDocument(row)) {
            marks.add(prompt(row));
        }
        marks.add(mark(IS, named(row)));
        row.provenance().origins().forEach(origin -> marks.add(mark(MADE_OF, origin)));
        return marks.stream().mapToLong(Long::longValue).toArray();
    }

    /** The marks of rows. */
    public static Set<Long> marks(Iterable<? extends Row> rows) {
        Set<Long> marks = new HashSet<>();
        rows.forEach(row -> Arrays.stream(marks(row)).forEach(marks::add));
        return marks;
    }

    /** Whether a row is in data that left these marks. */
    public static boolean isIn(Row row, Set<Long> marks) {
        return !isDocument(row) && marks.contains(prompt(row)) || marks.contains(mark(MADE_OF, named(row)))
                || row.provenance().origins().stream().anyMatch(origin -> marks.contains(mark(IS, origin))
                        || marks.contains(mark(MADE_OF, origin)));
    }

    /** How many of these rows are in data that left these marks. */
    public static Overlap of(Iterable<? extends Row> rows, Set<Long> marks) {
        int count = 0;
        int shared = 0;
        List<String> examples = new ArrayList<>();
        for (Row row : rows) {
            if (isDocument(row) && row.provenance().origins().isEmpty()) {
                continue;
            }
            count++;
            if (isIn(row, marks)) {
                shared++;
                if (examples.size() < EXAMPLES) {
                    examples.add(row.id());
                }
            }
        }
        return new Overlap(count, shared, examples);
    }

    /**
     * How many rows of one source are in another.
     *
     * @throws org.finetune4j.FinetuneException when one cannot be read
     */
    public static Overlap between(DataSource rows, DataSource others) {
        Set<Long> marks = new HashSet<>();
        try (RowStream stream = others.open(new DataReport())) {
            for (Row row = stream.next(); row != null; row = stream.next()) {
                Arrays.stream(marks(row)).forEach(marks::add);
            }
        }
        return of(rows.rows(), marks);
    }

    /** Two files may have one name, so that the id alone does not tell a row. */
    private static String named(Row row) {
        return row.provenance().named(row.id());
    }

    private static boolean isDocument(Row row) {
        return row instanceof Sample sample && sample.isDocument();
    }

    private static long mark(String what, String id) {
        return Long.parseUnsignedLong(Hashes.of(what + id).substring(0, 16), 16);
    }
}
