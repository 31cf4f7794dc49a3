package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Time by operation, and how fast each worked: in operations per second where matrix products take the time, in bytes per
 * second elsewhere.
 */
public final class Profile {
    private final boolean byShape;
    private final Map<String, Entry> entries = new TreeMap<>();

    /**
     * A run of an operation.
     *
     * @param name        the operation's name
     * @param shapes      shapes of its inputs and outputs in words
     * @param nanoseconds time that it took
     * @param operations  operations of its matrix products, a multiplication and an addition counted as two; 0 when it has
     *                    none
     * @param bytes       bytes that it had to read and write
     */
    public record Call(String name, String shapes, long nanoseconds, double operations, double bytes) {
    }

    /** The calls of one operation, or of one operation and shape, added up; fields as in {@link Call}. */
    public record Entry(String name, long nanoseconds, long calls, double operations, double bytes) {
        private Entry plus(Call call) {
            return new Entry(name, nanoseconds + call.nanoseconds(), calls + 1, operations + call.operations(),
                    bytes + call.bytes());
        }
    }

    /** A profile by operation. */
    public Profile() {
        this(false);
    }

    /**
     * A profile.
     *
     * @param byShape whether calls of one operation with other shapes are told apart
     */
    public Profile(boolean byShape) {
        this.byShape = byShape;
    }

    /** Adds one call. */
    public void add(Call call) {
        String key = byShape ? call.name() + " " + call.shapes() : call.name();
        entries.put(key, entries.getOrDefault(key, new Entry(key, 0, 0, 0, 0)).plus(call));
    }

    /** What was added, the most expensive first. */
    public List<Entry> entries() {
        List<Entry> sorted = new ArrayList<>(entries.values());
        sorted.sort(Comparator.comparingLong(Entry::nanoseconds).reversed());
        return sorted;
    }

    /** Time of all calls. */
    public long nanoseconds() {
        return entries.values().stream().mapToLong(Entry::nanoseconds).sum();
    }

    /** Operations of the matrix products of all calls. */
    public double operations() {
        return entries.values().stream().mapToDouble(Entry::operations).sum();
    }

    /** Shapes of arrays in words, such as {@code 1024x576 1536x576 -> 1024x1536}. */
    static String shapes(List<INDArray> inputs, List<INDArray> outputs) {
        return shapes(inputs) + " -> " + shapes(outputs);
    }

    private static String shapes(List<INDArray> arrays) {
        return arrays.stream().map(array -> Arrays.stream(array.shape()).mapToObj(Long::toString)
                .collect(Collectors.joining("x"))).collect(Collectors.joining(" "));
    }

    /**
     * A table, the most expensive operation first. An operation whose arrays are still in a cache may pass the limit of
     * copying.
     *
     * @param operationsPerSecond the limit of matrix products
     * @param bytesPerSecond      the limit of copying memory
     */
    public String table(double operationsPerSecond, double bytesPerSecond) {
        int width = entries.keySet().stream().mapToInt(String::length).max().orElse(0);
        long total = Math.max(1, nanoseconds());
        StringBuilder text = new StringBuilder();
        for (Entry entry : entries()) {
            text.append(String.format(Locale.ROOT, "%-" + Math.max(32, width) + "s %10.1f ms %5.1f %% %7d calls",
                    entry.name(), entry.nanoseconds() / 1e6, 100.0 * entry.nanoseconds() / total, entry.calls()));
            double seconds = Math.max(1, entry.nanoseconds()) / 1e9;
            if (entry.operations() > 0) {
                text.append(rate(entry.operations() / seconds, "GFLOP/s", operationsPerSecond, "products"));
            } else if (entry.bytes() > 0) {
                text.append(rate(entry.bytes() / seconds, "GB/s   ", bytesPerSecond, "copying"));
            }
            text.append(System.lineSeparator());
        }
        return text.toString();
    }

    private static String rate(double rate, String unit, double limit, String of) {
        return String.format(Locale.ROOT, " %8.1f %s %5.1f %% of %s", rate / 1e9, unit, 100 * rate / limit, of);
    }
}
