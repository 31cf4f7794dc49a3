package org.finetune4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * How long samples are in tokens, before anything is cut.
 *
 * @param count      samples
 * @param shortest   tokens of the shortest one
 * @param median     tokens that half of them have at most
 * @param p90        tokens that nine of ten have at most
 * @param p99        tokens that 99 of 100 have at most
 * @param longest    tokens of the longest one
 * @param longestId  its name
 * @param mean       mean tokens
 * @param bins       how many there are of each length, in rising order
 */
public record LengthStatistics(int count, int shortest, int median, int p90, int p99, int longest, String longestId,
                               double mean, List<Bin> bins) {
    private static final int MOST_BINS = 12;

    /** Of no samples. */
    public static final LengthStatistics NONE = new LengthStatistics(0, 0, 0, 0, 0, 0, "", 0, List.of());

    /** Keeps an immutable copy. */
    public LengthStatistics {
        bins = List.copyOf(bins);
    }

    /**
     * One bar of the histogram.
     *
     * @param from  the least length in it
     * @param to    the greatest length in it
     * @param count samples in it
     */
    public record Bin(int from, int to, int count) {
    }

    /** Of samples that are as long as they were. */
    static LengthStatistics of(List<Example> examples) {
        int[] lengths = examples.stream().mapToInt(example -> example.ids().length).toArray();
        return of(lengths, examples.stream().max(Comparator.comparingInt(example -> example.ids().length))
                .map(Example::id).orElse(""));
    }

    /** Of samples with these lengths; the array is sorted in place. */
    static LengthStatistics of(int[] lengths, String longestId) {
        if (lengths.length == 0) {
            return NONE;
        }
        Arrays.sort(lengths);
        int longest = lengths[lengths.length - 1];
        double mean = Arrays.stream(lengths).asLongStream().sum() / (double) lengths.length;
        return new LengthStatistics(lengths.length, lengths[0], quantile(lengths, 0.5), quantile(lengths, 0.9),
                quantile(lengths, 0.99), longest, longestId, mean, bins(lengths));
    }

    /** The least length that this share of the samples does not exceed. */
    private static int quantile(int[] sorted, double share) {
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }

    /** Bars of one width, which is 1, 2 or 5 times a power of ten. */
    private static List<Bin> bins(int[] sorted) {
        int longest = sorted[sorted.length - 1];
        int width = 1;
        for (int step = 0; longest / width >= MOST_BINS; step++) {
            width = step % 3 == 1 ? width / 2 * 5 : width * 2;
        }
        int[] counts = new int[longest / width + 1];
        for (int length : sorted) {
            counts[length / width]++;
        }
        List<Bin> bins = new ArrayList<>();
        for (int i = sorted[0] / width; i < counts.length; i++) {
            bins.add(new Bin(i * width, i * width + width - 1, counts[i]));
        }
        return bins;
    }
}
