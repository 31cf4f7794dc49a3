package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.data.Sample;

/** Scores responses by forward passes of the untuned model; no gradient is taken and no weight changes. */
public interface ResponseScorer {
    /**
     * Log-probabilities of every supervised token (the response with its end token, as the loss masks it) of each
     * conversation, in order; the result has one array per conversation.
     */
    List<float[]> tokenLogProbabilities(List<Sample> conversations);

    /** The log-probability of a response: the sum over its tokens. */
    static double sum(float[] logProbabilities) {
        double sum = 0;
        for (float logProbability : logProbabilities) {
            sum += logProbability;
        }
        return sum;
    }
}
