package org.finetune4j.data.transform;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.Contents;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * Finds texts that share many of their word triples with an earlier one: MinHash (Broder 1997) with locality-sensitive
 * bands. The similarity of two sets is estimated by the share of {@value #HASHES} hash functions whose least value is
 * the same; its standard error is at most 0.045. Texts of fewer than three words are compared as they are.
 */
public final class MinHash {
    private static final int HASHES = 128;
    private static final int TRIPLE = 3;

    private final double threshold;
    private final int rowsOfBand;
    private final List<int[]> signatures = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private final Map<Long, int[]> bands = new HashMap<>();

    /** A finder of texts with at least this similarity, in (0, 1]. */
    public MinHash(double threshold) {
        this.threshold = threshold;
        this.rowsOfBand = rowsOfBand(threshold);
    }

    /** As many rows as let at most one in a thousand pairs at the threshold slip through. */
    private static int rowsOfBand(double threshold) {
        int rows = 1;
        for (int more = 2; more <= 16; more *= 2) {
            if (Math.pow(1 - Math.pow(threshold, more), (double) HASHES / more) < 1e-3) {
                rows = more;
            }
        }
        return rows;
    }

    /**
     * The name of an earlier text that is like this one; if there is none, null, and this one is kept for later ones.
     */
    public @Nullable String earlierLike(String name, String text) {
        int[] signature = signature(text);
        long[] keys = new long[HASHES / rowsOfBand];
        for (int band = 0; band < keys.length; band++) {
            keys[band] = band;
            for (int row = 0; row < rowsOfBand; row++) {
                keys[band] = CounterRandom.bits(keys[band], signature[band * rowsOfBand + row]);
            }
            for (int other : bands.getOrDefault(keys[band], new int[0])) {
                if (similarity(signature, signatures.get(other)) >= threshold) {
                    return names.get(other);
                }
            }
        }
        int number = signatures.size();
        signatures.add(signature);
        names.add(name);
        for (long key : keys) {
            bands.merge(key, new int[] {number}, MinHash::joined);
        }
        return null;
    }

    /** The estimated Jaccard similarity of two texts by their signatures. */
    public static double similarity(int[] one, int[] other) {
        int same = 0;
        for (int i = 0; i < HASHES; i++) {
            same += one[i] == other[i] ? 1 : 0;
        }
        return (double) same / HASHES;
    }

    /** What {@link #similarity} knows a text by. */
    public static int[] signature(String text) {
        String[] words = Contents.normalised(text).split("[^\\p{L}\\p{N}]+");
        int[] signature = new int[HASHES];
        Arrays.fill(signature, Integer.MAX_VALUE);
        int last = Math.max(0, words.length - TRIPLE);
        for (int from = 0; from <= last; from++) {
            long triple = 0;
            for (int i = from; i < Math.min(words.length, from + TRIPLE); i++) {
                for (int c = 0; c < words[i].length(); c++) {
                    triple = triple * 1_000_003 + words[i].charAt(c);
                }
                triple = CounterRandom.bits(triple, i - from);
            }
            for (int hash = 0; hash < HASHES; hash++) {
                signature[hash] = Math.min(signature[hash], (int) (CounterRandom.bits(triple, hash) >>> 33));
            }
        }
        return signature;
    }

    private static int[] joined(int[] some, int[] more) {
        int[] all = Arrays.copyOf(some, some.length + more.length);
        System.arraycopy(more, 0, all, some.length, more.length);
        return all;
    }
}
