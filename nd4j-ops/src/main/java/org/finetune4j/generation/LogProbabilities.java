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
        float highest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            highest = Math.max(highest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - highest);
        }
        return highest + Math.log(sum);
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
