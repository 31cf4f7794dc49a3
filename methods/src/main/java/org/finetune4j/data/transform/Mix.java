package org.finetune4j.data.transform;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * Several sources in one: every row is drawn from a source that a seeded draw chooses by weight, and each source gives
 * its rows in its own order. The draws are a pure function of the seed and the row's number.
 *
 * @param parts the sources and their weights, at least one
 * @param seed  decides the draws
 * @param end   when a pass over the mixture ends
 */
public record Mix(List<Weighted> parts, long seed, End end) implements DataSource {
    /**
     * Keeps an immutable copy.
     *
     * @throws FinetuneException when there is no source, or a weight is not positive and finite
     */
    public Mix {
        parts = List.copyOf(parts);
        if (parts.isEmpty()) {
            throw new FinetuneException("mix(...) has no source. Give it some, such as mix(a at 0.7, b at 0.3).");
        }
        for (Weighted part : parts) {
            if (!(part.weight() > 0 && part.weight() < Double.POSITIVE_INFINITY)) {
                throw new FinetuneException("mix(...): the weight of " + part.source().description() + " is "
                        + part.weight() + ", but must be positive and finite.");
            }
        }
    }

    /**
     * One source of a mixture.
     *
     * @param source the source
     * @param weight its share of the draws, positive and finite; weights need not sum to 1
     */
    public record Weighted(DataSource source, double weight) {
    }

    /** When a pass over a mixture ends. */
    public enum End {
        /**
         * As soon as a source that is drawn has no row left: weights hold throughout, and rows of the others are not
         * seen.
         */
        SHORTEST,
        /**
         * When every source has been seen whole; one that ends earlier begins again, so that weights hold throughout.
         */
        REPEAT,
        /** When every row of every source has been seen once; a source that ended is no longer drawn. */
        ONCE
    }

    @Override
    public RowStream open(DataReport report) {
        return new Draws(report);
    }

    @Override
    public String description() {
        return parts.stream().map(part -> part.source().description()).collect(Collectors.joining(" and "));
    }

    @Override
    public @Nullable String fingerprint() {
        StringBuilder text = new StringBuilder("mix " + seed + " " + end);
        for (Weighted part : parts) {
            String of = part.source().fingerprint();
            if (of == null) {
                return null;
            }
            text.append(" (").append(of).append(" at ").append(part.weight()).append(')');
        }
        return text.toString();
    }

    private final class Draws implements RowStream {
        private final DataReport report;
        private final List<RowStream> streams = new ArrayList<>();
        private final boolean[] ended = new boolean[parts.size()];
        private final long random = CounterRandom.seed(seed, "mix", 0);
        private long draws;

        Draws(DataReport report) {
            this.report = report;
            try {
                parts.forEach(part -> streams.add(part.source().open(report)));
            } catch (RuntimeException | Error e) {
                close();
                throw e;
            }
        }

        @Override
        public @Nullable Row next() {
            while (remaining() > 0) {
                int drawn = draw();
                Row row = streams.get(drawn).next();
                if (row != null) {
                    report.count("drawn from " + parts.get(drawn).source().description());
                    return row;
                }
                ended[drawn] = true;
                if (end == End.SHORTEST) {
                    java.util.Arrays.fill(ended, true);
                } else if (end == End.REPEAT && remaining() > 0) {
                    streams.get(drawn).close();
                    // What its records are has been reported by the first pass.
                    streams.set(drawn, parts.get(drawn).source().open(new DataReport()));
                    row = streams.get(drawn).next();
                    if (row != null) {
                        report.count("drawn again from " + parts.get(drawn).source().description());
                        return row;
                    }
                }
            }
            return null;
        }

        private int remaining() {
            int count = 0;
            for (boolean one : ended) {
                count += one ? 0 : 1;
            }
            return count;
        }

        /** A source by weight: any of them, or in a mixture of single rows only one that has not ended. */
        private int draw() {
            double total = 0;
            for (int i = 0; i < ended.length; i++) {
                total += counts(i) ? parts.get(i).weight() : 0;
            }
            double at = (CounterRandom.bits(random, draws++) >>> 11) * 0x1p-53 * total;
            int last = -1;
            for (int i = 0; i < ended.length; i++) {
                if (counts(i)) {
                    last = i;
                    at -= parts.get(i).weight();
                    if (at < 0) {
                        return i;
                    }
                }
            }
            return last;
        }

        private boolean counts(int part) {
            return end == End.REPEAT || !ended[part];
        }

        @Override
        public void close() {
            streams.forEach(RowStream::close);
        }
    }
}
