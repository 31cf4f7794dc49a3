package org.finetune4j.graph;

import java.util.Map;
import java.util.TreeMap;

/**
 * What fills the arena of a run where it is fullest.
 *
 * @param arenaBytes       size of the arena
 * @param liveBytes        bytes of the arrays that live at the fullest step; the rest of the arena is gaps
 * @param step             that operation's name
 * @param bytesByOperation bytes of these arrays by the name of the operation that made them
 */
public record MemoryReport(long arenaBytes, long liveBytes, String step, Map<String, Long> bytesByOperation) {
    /** Keeps a sorted copy. */
    public MemoryReport {
        bytesByOperation = java.util.Collections.unmodifiableMap(new TreeMap<>(bytesByOperation));
    }

    /** A table, the largest first. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.format("%-32s %10.1f MiB, of which live at %s %.1f MiB%n", "arena",
                arenaBytes / 1048576.0, step, liveBytes / 1048576.0));
        bytesByOperation.entrySet().stream().sorted((a, b) -> Long.compare(b.getValue(), a.getValue()))
                .forEach(entry -> text.append(String.format("%-32s %10.1f MiB%n", entry.getKey(),
                        entry.getValue() / 1048576.0)));
        return text.toString();
    }
}
