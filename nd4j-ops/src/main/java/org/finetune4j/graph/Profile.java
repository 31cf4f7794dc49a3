package org.finetune4j.graph;

import java.util.Map;
import java.util.TreeMap;

/** Time spent by operation name. */
public final class Profile {
    private final Map<String, long[]> nanosecondsAndCalls = new TreeMap<>();

    /** Adds one call. */
    public void add(String operation, long nanoseconds) {
        long[] entry = nanosecondsAndCalls.computeIfAbsent(operation, name -> new long[2]);
        entry[0] += nanoseconds;
        entry[1]++;
    }

    /** A table, the most expensive operation first. */
    @Override
    public String toString() {
        long total = nanosecondsAndCalls.values().stream().mapToLong(entry -> entry[0]).sum();
        StringBuilder text = new StringBuilder();
        nanosecondsAndCalls.entrySet().stream()
                .sorted((a, b) -> Long.compare(b.getValue()[0], a.getValue()[0]))
                .forEach(entry -> text.append(String.format("%-32s %10.1f ms %5.1f %% %8d calls%n", entry.getKey(),
                        entry.getValue()[0] / 1e6, 100.0 * entry.getValue()[0] / Math.max(1, total),
                        entry.getValue()[1])));
        return text.toString();
    }
}
