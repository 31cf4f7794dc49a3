package org.finetune4j.train;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.finetune4j.data.Example;

/**
 * How many samples of each source, such as a file, the methods that choose in every step leave of a step.
 *
 * @param sources names of all sources of a run
 */
record KeptBySource(Collection<String> sources) {
    /** More would bury the rest of the log. */
    private static final int MOST = 16;
    private static final String PREFIX = "kept.";

    /** Counts by the sources of these samples. */
    static KeptBySource of(List<Example> examples) {
        return new KeptBySource(examples.stream().map(KeptBySource::source).distinct().sorted().toList());
    }

    /** The counts of a step, named as {@code kept.train.jsonl}; none where all samples come from one source or from very many. */
    Map<String, Double> counts(List<List<Example>> left) {
        if (sources.size() < 2 || sources.size() > MOST) {
            return Map.of();
        }
        Map<String, Double> counts = new TreeMap<>();
        sources.forEach(name -> counts.put(PREFIX + name, 0.0));
        left.forEach(batch -> batch.forEach(example -> counts.merge(PREFIX + source(example), 1.0, Double::sum)));
        return counts;
    }

    /** A sample is called by its file and line, such as {@code train.jsonl:12}. */
    private static String source(Example example) {
        int line = example.id().lastIndexOf(':');
        return line > 0 ? example.id().substring(0, line) : "others";
    }
}
