package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a source with different prompts, in an order that a seed decides; of equal prompts the first row counts.
 * Only numbers are kept in memory, and the rows are read again when they are given.
 */
final class PromptPool {
    private final List<Entry> order;

    private PromptPool(List<Entry> order) {
        this.order = order;
    }

    /**
     * A row.
     *
     * @param index  its number in the source
     * @param prompt the hash of its prompt
     * @param key    by which it is ordered
     */
    private record Entry(int index, long prompt, long key) {
    }

    /** What becomes of a row. */
    interface Use {
        /** The row that is given for the source's row with this number. */
        Row of(Row row, int index);
    }

    /** Reads a source. A prompt's place among others depends on the seed and on nothing else. */
    static PromptPool read(DataSource source, long seed) {
        Set<Long> seen = new HashSet<>();
        List<Entry> rows = new ArrayList<>();
        int index = 0;
        try (RowStream stream = source.open(new DataReport())) {
            for (Row row = stream.next(); row != null; row = stream.next(), index++) {
                long prompt = Overlap.prompt(row);
                if (seen.add(prompt)) {
                    rows.add(new Entry(index, prompt, CounterRandom.bits(prompt, seed)));
                }
            }
        }
        rows.sort(Comparator.comparingLong(Entry::key));
        return new PromptPool(rows);
    }

    /** The same rows in reverse order, without those with the same prompts as these. */
    PromptPool reversedWithout(List<Long> prompts) {
        Set<Long> taken = Set.copyOf(prompts);
        List<Entry> left = new ArrayList<>(order.stream().filter(entry -> !taken.contains(entry.prompt)).toList());
        Collections.reverse(left);
        return new PromptPool(left);
    }

    /** How many rows with different prompts there are. */
    int size() {
        return order.size();
    }

    /** Hashes of the prompts of the first so many rows. */
    List<Long> prompts(int count) {
        return order.subList(0, count).stream().map(Entry::prompt).toList();
    }

    /** The numbers of the rows from one place of the order up to and without another. */
    Set<Integer> rows(int from, int to) {
        return order.subList(from, to).stream().map(Entry::index).collect(Collectors.toSet());
    }

    /** The rows with these numbers, in the order of the source. */
    static RowStream open(DataSource source, DataReport report, Set<Integer> rows, Use use) {
        RowStream from = source.open(report);
        return new RowStream() {
            private int index;

            @Override
            public @Nullable Row next() {
                for (Row row = from.next(); row != null; row = from.next()) {
                    int at = index++;
                    if (rows.contains(at)) {
                        return use.of(row, at);
                    }
                }
                return null;
            }

            @Override
            public void close() {
                from.close();
            }
        };
    }
}
