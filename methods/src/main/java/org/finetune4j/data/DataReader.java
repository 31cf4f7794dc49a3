package org.finetune4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.finetune4j.FinetuneException;

/** Reads training data once, part by part, and encodes it: only a part's texts are in memory at a time. */
public final class DataReader {
    private static final int PART = 1024;

    private final DataSource source;
    private final Class<? extends Row> wanted;
    private final String objective;
    private long[] prompts = new long[PART];
    private int promptCount;
    private int rows;
    private int candidates;
    private final Map<Class<? extends Row>, Integer> others = new LinkedHashMap<>();

    /**
     * A reader.
     *
     * @param wanted    what the objective learns from
     * @param objective its name, for messages
     */
    public DataReader(DataSource source, Class<? extends Row> wanted, String objective) {
        this.source = source;
        this.wanted = wanted;
        this.objective = objective;
    }

    /**
     * Every row as a sample, in memory.
     *
     * @throws FinetuneException when the data cannot be read, or are not what the objective learns from
     */
    public List<Sample> samples(DataReport report) {
        List<Sample> samples = new ArrayList<>();
        readParts(report, samples::addAll);
        return samples;
    }

    /**
     * Reads and checks the data.
     *
     * @return how many rows there are
     * @throws FinetuneException when they cannot be read, are not what the objective learns from, or wait for a
     * selector
     */
    public int check(DataReport report) {
        readParts(report, part -> { });
        requireNoCandidates();
        return rows;
    }

    /**
     * Reads and encodes the data.
     *
     * @throws FinetuneException when they cannot be read, are not what the objective learns from, wait for a selector,
     *                           or the encoder refuses them
     */
    public ReadData encode(Encoder encoder, DataReport report) {
        Encoder.Pass pass = encoder.begin();
        readParts(report, part -> {
            if (candidates == 0) {
                pass.add(part);
            }
        });
        requireNoCandidates();
        return new ReadData(rows, report.lines(), Arrays.copyOf(prompts, promptCount), pass.finish());
    }

    private void readParts(DataReport report, java.util.function.Consumer<List<Sample>> use) {
        List<Sample> part = new ArrayList<>(PART);
        try (RowStream stream = source.open(report)) {
            for (Row row = stream.next(); row != null; row = stream.next()) {
                rows++;
                if (!wanted.isInstance(row) || !(row instanceof Sample sample)) {
                    others.merge(row.getClass(), 1, Integer::sum);
                    continue;
                }
                part.add(seen(sample));
                if (part.size() == PART) {
                    use.accept(part);
                    part.clear();
                }
            }
        }
        if (!others.isEmpty()) {
            throw otherRows();
        }
        use.accept(part);
    }

    private Sample seen(Sample sample) {
        candidates += sample.candidates().isEmpty() ? 0 : 1;
        for (long mark : Overlap.marks(sample)) {
            if (promptCount == prompts.length) {
                prompts = Arrays.copyOf(prompts, 2 * promptCount);
            }
            prompts[promptCount++] = mark;
        }
        return sample;
    }

    private FinetuneException otherRows() {
        List<String> found = new ArrayList<>();
        others.forEach((kind, count) -> found.add(String.format(Locale.ROOT, "%,d ", count) + Row.nameOf(kind)));
        return new FinetuneException(source.description() + " holds " + String.join(" and ", found) + ", but "
                + objective + " learns from " + Row.nameOf(wanted) + ". "
                + (wanted == Sample.class ? "Take chosenOnly() of the data, or choose an objective for them."
                : "Choose an objective for them, or other data."));
    }

    private void requireNoCandidates() {
        if (candidates > 0) {
            throw new FinetuneException(candidates + " of " + rows + " samples have several candidate responses, but "
                    + "nothing chooses among them. Add a selector such as grape(), or keep one response a sample.");
        }
    }
}
