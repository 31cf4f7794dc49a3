package org.finetune4j.generation;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.generation.TokenChoice.Alternative;

/** The log-probabilities of the model's own distribution over the next token. */
final class LogProbabilities {
    private final float[] logits;
    private final double logSum;

    /** Takes a copy of the logits {@code [vocabulary]}. */
    LogProbabilities(float[] logits) {
        this.logits = logits.clone();
        logSum = logSum(logits);
    }

    /** The natural logarithm of the sum of the exponentials. */
    static double logSum(float[] logits) {
        float largest = largest(logits);
        return largest + Math.log(sum(logits, largest));
    }

    /** The probability of the most probable token. */
    static double highest(float[] logits) {
        return 1 / sum(logits, largest(logits));
    }

    private static float largest(float[] logits) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        return largest;
    }

    /** The sum of the exponentials, each divided by that of the largest. */
    private static double sum(float[] logits, float largest) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return sum;
    }

    /** A chosen token with so many alternatives. */
    TokenChoice choice(int token, int alternatives) {
        int[] order = alternatives == 0 ? new int[0]
                : TokenSampler.mostProbable(logits, Math.min(alternatives, logits.length));
        List<Alternative> others = Arrays.stream(order).mapToObj(other -> new Alternative(other, of(other))).toList();
        return new TokenChoice(token, of(token), others);
    }

    private double of(int token) {
        return logits[token] - logSum;
    }
}
