package org.finetune4j.methods.data.riddle;

import java.util.List;
import java.util.Locale;
import org.finetune4j.FinetuneException;

/**
 * How much of its training data a model knows before training, and what that advises (Beyond Log Likelihood, arXiv
 * 2510.00526). It only advises: no objective changes by it.
 *
 * @param tokens      response tokens that were looked at
 * @param probability their mean probability under the untrained model, in [0, 1]
 */
public record CapabilityProbe(long tokens, double probability) {
    private static final double STRONG = 0.5;
    private static final double WEAK = 0.1;

    /** What is advised. */
    public enum Advice {
        /** The model knows its data well: learn from what it already finds likely. */
        PRIOR_LEANING,
        /** The model does not know its data: plain log-likelihood. */
        LOG_LIKELIHOOD,
        /** In between, neither is better for sure. */
        TRY_BOTH
    }

    /**
     * The probe of responses.
     *
     * @param logProbabilities of every response token under the untrained model, one array for each response
     * @throws FinetuneException when there is no token
     */
    public static CapabilityProbe of(List<float[]> logProbabilities) {
        double sum = 0;
        long tokens = 0;
        for (float[] response : logProbabilities) {
            for (float logProbability : response) {
                sum += Math.exp(logProbability);
                tokens++;
            }
        }
        if (tokens == 0) {
            throw new FinetuneException("there is no response token to probe. Give data with responses.");
        }
        return new CapabilityProbe(tokens, sum / tokens);
    }

    /** What is advised. */
    public Advice advice() {
        return probability > STRONG ? Advice.PRIOR_LEANING : probability < WEAK ? Advice.LOG_LIKELIHOOD
                : Advice.TRY_BOTH;
    }

    /** The advice in words. */
    public String words() {
        return String.format(Locale.ROOT, "the model gives its response tokens a probability of %.2f: ", probability)
                + switch (advice()) {
                    case PRIOR_LEANING -> "try probability(alpha = 1) or thresholded(q = 0.2)";
                    case LOG_LIKELIHOOD -> "try plain log-likelihood, sft()";
                    case TRY_BOTH -> "try both sft() and probability(alpha = 1)";
                };
    }
}
