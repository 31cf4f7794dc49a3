package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Contents;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * The same number of samples from every group, drawn uniformly without replacement; a group that has no more gives all
 * it has. Equal seeds draw the same, and more samples contain fewer.
 *
 * <p>A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state Bar Exam,
 * arXiv 2504.04945. Rows keep their order; only numbers are kept in memory, and the source is read twice.
 *
 * @param group the field that names a sample's group; default {@code domain}
 * @param count samples of every group, at least 1; {@link #ALL} for all of them; default 20
 * @param seed  decides the draws
 */
public record PerGroupSubset(String group, int count, long seed) implements DataTransform {
    /** As many as there are. */
    public static final int ALL = Integer.MAX_VALUE;

    /** The subset of the bar-exam study, 2025. */
    public static final Method<PerGroupSubset> METHOD = new Method<>("perGroupSubset", Method.Kind.DATA,
            "A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state "
                    + "Bar Exam",
            "arXiv 2504.04945",
            settings -> new PerGroupSubset(settings.text("group", "domain"), settings.whole("count", 20),
                    settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public PerGroupSubset {
        Settings.require(!group.isBlank(), "perGroupSubset", "group", "'" + group + "'", "the name of a field");
        Settings.require(count >= 1, "perGroupSubset", "count", count,
                "at least 1 (for none, measure the untrained model)");
    }

    private record Entry(int index, long key) {
    }

    @Override
    public Method<PerGroupSubset> method() {
        return METHOD;
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        Map<String, List<Entry>> groups = new LinkedHashMap<>();
        int index = 0;
        try (RowStream rows = source.open(new DataReport())) {
            for (Row row = rows.next(); row != null; row = rows.next(), index++) {
                groups.computeIfAbsent(group(row), any -> new ArrayList<>())
                        .add(new Entry(index, CounterRandom.bits(Contents.hash(row).high(), seed)));
            }
        }
        Set<Integer> drawn = new HashSet<>();
        groups.forEach((name, entries) -> {
            entries.sort(Comparator.comparingLong(Entry::key).thenComparingInt(Entry::index));
            entries.stream().limit(count).forEach(entry -> drawn.add(entry.index()));
            if (entries.size() < count && count != ALL) {
                report.note("perGroupSubset " + name, name + " has only " + entries.size() + " samples of the " + count
                        + " that are drawn from every " + group);
            }
        });
        return PromptPool.open(source, report, drawn, (row, at) -> row);
    }

    private String group(Row row) {
        String name = SampleStream.sample(METHOD.name(), row).fields().get(group);
        if (name == null) {
            throw new FinetuneException("perGroupSubset: " + row.id() + " has no field '" + group
                    + "'. Name the right one.");
        }
        return name;
    }
}
