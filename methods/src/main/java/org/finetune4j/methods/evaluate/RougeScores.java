package org.finetune4j.methods.evaluate;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Precision, recall and their harmonic mean F of a prediction against a target, 0 to 1.
 *
 * @param precision share of what the prediction says that the target says too
 * @param recall    share of what the target says that the prediction says too
 */
record RougeScores(double precision, double recall) {
    private static RougeScores of(int hits, int predicted, int wanted) {
        return new RougeScores(predicted == 0 ? 0 : (double) hits / predicted, wanted == 0 ? 0 : (double) hits / wanted);
    }

    /** The harmonic mean, 0 where both are 0. */
    double f() {
        return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
    }

    /** By sequences of {@code n} tokens. */
    static RougeScores nGrams(List<String> target, List<String> prediction, int n) {
        return of(NGrams.common(NGrams.counts(prediction, n), NGrams.counts(target, n)),
                NGrams.total(prediction.size(), n), NGrams.total(target.size(), n));
    }

    /** By the longest common subsequence of all tokens. */
    static RougeScores longest(List<String> target, List<String> prediction) {
        int hits = lengths(target, prediction)[target.size()][prediction.size()];
        return of(hits, prediction.size(), target.size());
    }

    /**
     * By the union of the longest common subsequences of each sentence of the target with all of the prediction; a token
     * counts at most as often as it occurs on both sides.
     */
    static RougeScores summary(List<List<String>> target, List<List<String>> prediction) {
        Map<String, Integer> wanted = counts(target);
        Map<String, Integer> predicted = counts(prediction);
        int hits = 0;
        for (List<String> sentence : target) {
            BitSet union = new BitSet();
            prediction.forEach(other -> mark(sentence, other, union));
            for (int i = union.nextSetBit(0); i >= 0; i = union.nextSetBit(i + 1)) {
                String token = sentence.get(i);
                if (predicted.getOrDefault(token, 0) > 0 && wanted.getOrDefault(token, 0) > 0) {
                    hits++;
                    predicted.merge(token, -1, Integer::sum);
                    wanted.merge(token, -1, Integer::sum);
                }
            }
        }
        return of(hits, prediction.stream().mapToInt(List::size).sum(), target.stream().mapToInt(List::size).sum());
    }

    private static Map<String, Integer> counts(List<List<String>> sentences) {
        Map<String, Integer> counts = new HashMap<>();
        sentences.forEach(sentence -> sentence.forEach(token -> counts.merge(token, 1, Integer::sum)));
        return counts;
    }

    /** Marks the places of the first that its longest common subsequence with the second takes. */
    private static void mark(List<String> first, List<String> second, BitSet places) {
        int[][] lengths = lengths(first, second);
        int i = first.size();
        int j = second.size();
        while (i > 0 && j > 0) {
            if (first.get(i - 1).equals(second.get(j - 1))) {
                places.set(--i);
                j--;
            } else if (lengths[i][j - 1] > lengths[i - 1][j]) {
                j--;
            } else {
                i--;
            }
        }
    }

    private static int[][] lengths(List<String> first, List<String> second) {
        int[][] lengths = new int[first.size() + 1][second.size() + 1];
        for (int i = 1; i <= first.size(); i++) {
            String token = first.get(i - 1);
            for (int j = 1; j <= second.size(); j++) {
                lengths[i][j] = token.equals(second.get(j - 1)) ? lengths[i - 1][j - 1] + 1
                        : Math.max(lengths[i - 1][j], lengths[i][j - 1]);
            }
        }
        return lengths;
    }
}
