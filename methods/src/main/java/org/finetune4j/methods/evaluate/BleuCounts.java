package org.finetune4j.methods.evaluate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What BLEU is computed of; the counts of several texts add up.
 *
 * @param correct       sequences of 1, 2, ... tokens that a reference has too {@code [order]}
 * @param total         sequences of 1, 2, ... tokens {@code [order]}
 * @param tokens        tokens of the text
 * @param referenceTokens tokens of the reference whose length is nearest, of two the shorter
 */
record BleuCounts(long[] correct, long[] total, long tokens, long referenceTokens) {
    private static final double FLOOR = 0.1;

    /** The counts of one text. */
    static BleuCounts of(List<String> tokens, List<List<String>> references, int order) {
        long[] correct = new long[order];
        long[] total = new long[order];
        for (int n = 1; n <= order; n++) {
            Map<List<String>, Integer> most = new HashMap<>();
            for (List<String> reference : references) {
                NGrams.counts(reference, n).forEach((gram, count) -> most.merge(gram, count, Math::max));
            }
            correct[n - 1] = NGrams.common(NGrams.counts(tokens, n), most);
            total[n - 1] = NGrams.total(tokens.size(), n);
        }
        return new BleuCounts(correct, total, tokens.size(),
                nearest(tokens.size(), references.stream().mapToInt(List::size).toArray()));
    }

    /** The length that is nearest to this one, of two the shorter. */
    static int nearest(int length, int[] lengths) {
        int nearest = lengths[0];
        for (int other : lengths) {
            int difference = Math.abs(other - length) - Math.abs(nearest - length);
            nearest = difference < 0 || difference == 0 && other < nearest ? other : nearest;
        }
        return nearest;
    }

    /** The counts of the texts at these places. */
    static BleuCounts sum(List<BleuCounts> counts, int[] places) {
        int order = counts.get(0).correct.length;
        long[] correct = new long[order];
        long[] total = new long[order];
        long tokens = 0;
        long referenceTokens = 0;
        for (int place : places) {
            BleuCounts one = counts.get(place);
            for (int n = 0; n < order; n++) {
                correct[n] += one.correct[n];
                total[n] += one.total[n];
            }
            tokens += one.tokens;
            referenceTokens += one.referenceTokens;
        }
        return new BleuCounts(correct, total, tokens, referenceTokens);
    }

    /**
     * BLEU, 0 to 100.
     *
     * @param effectiveOrder whether only the orders are averaged that the text is long enough for
     */
    double score(BleuSmoothing smoothing, boolean effectiveOrder) {
        if (Arrays.stream(correct).allMatch(count -> count == 0)) {
            return 0;
        }
        double logarithms = 0;
        int reached = 0;
        double halved = 1;
        for (int n = 0; n < correct.length; n++) {
            double added = smoothing == BleuSmoothing.ADD_K && n > 0 ? 1 : 0;
            double matches = correct[n] + added;
            double sequences = total[n] + added;
            if (sequences == 0) {
                break;
            }
            if (matches == 0) {
                switch (smoothing) {
                    case EXP -> matches = 1 / (halved *= 2);
                    case FLOOR -> matches = FLOOR;
                    default -> {
                        return 0;
                    }
                }
            }
            logarithms += Math.log(100 * matches / sequences);
            reached++;
        }
        if (reached < correct.length && !effectiveOrder) {
            return 0;
        }
        return brevityPenalty() * Math.exp(logarithms / reached);
    }

    /** At most 1; less for texts that are shorter than their references. */
    double brevityPenalty() {
        return tokens >= referenceTokens ? 1 : Math.exp(1 - (double) referenceTokens / tokens);
    }
}
