package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Items by how sure the model is of them.
 *
 * @param bins those that hold an item, from unsure to sure
 */
public record ReliabilityTable(List<Bin> bins) {
    /** Keeps an immutable copy. */
    public ReliabilityTable {
        bins = List.copyOf(bins);
    }

    /**
     * Items of like confidence.
     *
     * @param name       such as {@code 0.9 to 1.0}
     * @param count      items, at least 1
     * @param confidence their mean confidence
     * @param accuracy   share of them that are right
     */
    public record Bin(String name, int count, double confidence, double accuracy) {
        double gap() {
            return Math.abs(accuracy - confidence);
        }
    }

    /** Bins of equal width over [0, 1]; each holds its upper edge, the first one 0 too. */
    static ReliabilityTable equalWidth(double[] confidence, boolean[] right, int bins, int... places) {
        List<List<Integer>> members = new ArrayList<>();
        IntStream.range(0, bins).forEach(bin -> members.add(new ArrayList<>()));
        for (int place : places) {
            int bin = Math.max(0, (int) Math.ceil(confidence[place] * bins) - 1);
            // The product may be rounded across an edge, which the edge itself decides.
            bin -= bin > 0 && confidence[place] <= (double) bin / bins ? 1 : 0;
            bin += bin < bins - 1 && confidence[place] > (bin + 1.0) / bins ? 1 : 0;
            members.get(Math.min(bin, bins - 1)).add(place);
        }
        return of(members, confidence, right, bin -> edge((double) bin / bins) + " to " + edge((bin + 1.0) / bins));
    }

    /** Bins of equally many items, sorted by confidence; of equal ones the earlier comes first. */
    static ReliabilityTable equalMass(double[] confidence, boolean[] right, int bins, int... places) {
        List<Integer> sorted = IntStream.of(places).boxed().sorted(Comparator.comparingDouble(i -> confidence[i])).toList();
        List<List<Integer>> members = new ArrayList<>();
        for (int bin = 0; bin < bins; bin++) {
            members.add(sorted.subList(cut(sorted.size(), bin, bins), cut(sorted.size(), bin + 1, bins)));
        }
        return of(members, confidence, right, bin -> "part " + (bin + 1) + " of " + bins);
    }

    private static int cut(int items, int bin, int bins) {
        return (int) Math.rint((double) bin * items / bins);
    }

    private static ReliabilityTable of(List<List<Integer>> members, double[] confidence, boolean[] right,
                                       IntFunction<String> name) {
        List<Bin> bins = new ArrayList<>();
        for (int bin = 0; bin < members.size(); bin++) {
            List<Integer> items = members.get(bin);
            if (!items.isEmpty()) {
                bins.add(new Bin(name.apply(bin), items.size(),
                        items.stream().mapToDouble(i -> confidence[i]).average().orElseThrow(),
                        items.stream().mapToDouble(i -> right[i] ? 1 : 0).average().orElseThrow()));
            }
        }
        return new ReliabilityTable(bins);
    }

    /** The expected calibration error: the mean gap between accuracy and confidence, by items. */
    public double expectedError() {
        int items = bins.stream().mapToInt(Bin::count).sum();
        return bins.stream().mapToDouble(bin -> bin.count() * bin.gap() / items).sum();
    }

    /** The maximum calibration error: the largest gap. */
    public double largestError() {
        return bins.stream().mapToDouble(Bin::gap).max().orElseThrow();
    }

    /** The bins as lines by name. */
    Map<String, String> lines() {
        Map<String, String> lines = new LinkedHashMap<>();
        bins.forEach(bin -> lines.put("confidence " + bin.name(), String.format(Locale.ROOT,
                "%d items, mean confidence %.4f, accuracy %.4f", bin.count(), bin.confidence(), bin.accuracy())));
        return lines;
    }

    private static String edge(double value) {
        return String.format(Locale.ROOT, "%.3f", value).replaceAll("0{1,2}$", "");
    }
}
