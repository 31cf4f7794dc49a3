package org.finetune4j.methods.evaluate;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.FinetuneException;

/** Probabilities of choices. */
public final class Probabilities {
    private static final double TOLERANCE = 1e-4;

    private Probabilities() {
    }

    /** The probabilities that these logarithms or logits stand for, whatever was added to all of them. */
    public static double[] softmax(double... logits) {
        double highest = Arrays.stream(logits).max().orElseThrow();
        double[] powers = Arrays.stream(logits).map(logit -> Math.exp(logit - highest)).toArray();
        double sum = Arrays.stream(powers).sum();
        return Arrays.stream(powers).map(power -> power / sum).toArray();
    }

    /** The place of the highest number, of equal ones the first. */
    public static int argmax(double... numbers) {
        int best = 0;
        for (int i = 1; i < numbers.length; i++) {
            best = numbers[i] > numbers[best] ? i : best;
        }
        return best;
    }

    /**
     * Refuses numbers that are no probabilities, or references that are none of them.
     *
     * @throws FinetuneException naming the first of them
     */
    static void require(String metric, List<double[]> probabilities, int... gold) {
        if (probabilities.isEmpty() || probabilities.size() != gold.length) {
            throw new FinetuneException(metric + ": there are " + probabilities.size() + " distributions and " + gold.length
                    + " references. Give one reference for each, and at least one.");
        }
        for (int i = 0; i < gold.length; i++) {
            double[] row = probabilities.get(i);
            boolean inside = Arrays.stream(row).allMatch(p -> p >= 0 && p <= 1 + TOLERANCE);
            if (!inside || Math.abs(Arrays.stream(row).sum() - 1) > TOLERANCE) {
                throw new FinetuneException(metric + ": the probabilities of item " + i + " (counted from 0) are "
                        + Arrays.toString(row) + ", but must lie in [0, 1] and sum to 1.");
            }
            if (gold[i] < 0 || gold[i] >= row.length) {
                throw new FinetuneException(metric + ": the reference of item " + i + " (counted from 0) is choice " + gold[i]
                        + ", but there are " + row.length + ".");
            }
        }
    }
}
