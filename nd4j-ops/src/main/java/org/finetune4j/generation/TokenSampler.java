package org.finetune4j.generation;

import java.util.Arrays;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;

/** Chooses the next token from logits. */
final class TokenSampler {
    private final GenerationSettings settings;

    TokenSampler(GenerationSettings settings) {
        this.settings = settings;
    }

    /**
     * The next token.
     *
     * @param logits   {@code [vocabulary]}
     * @param sequence number of the text, and
     * @param place    of its token: together with the seed they fix the random number
     */
    int sample(float[] logits, int sequence, int place) {
        for (float logit : logits) {
            if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
                throw new FinetuneException("the model's logits are not finite, so no token can be chosen at place " + place
                        + ". The weights are damaged: load an earlier checkpoint or lower the learning rate and train again.");
            }
        }
        if (settings.temperature() == 0) {
            return mostProbable(logits);
        }
        int[] order = byLogit(logits);
        int kept = settings.topK() == 0 ? order.length : Math.min(settings.topK(), order.length);
        double[] probabilities = new double[kept];
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            probabilities[i] = Math.exp((logits[order[i]] - logits[order[0]]) / settings.temperature());
            sum += probabilities[i];
        }
        double nucleus = 0;
        int last = 0;
        while (last < kept && nucleus < settings.topP() * sum) {
            nucleus += probabilities[last++];
        }
        double draw = CounterRandom.uniform(CounterRandom.seed(settings.seed(), "sample", sequence), place) * nucleus;
        for (int i = 0; i < last; i++) {
            draw -= probabilities[i];
            if (draw < 0) {
                return order[i];
            }
        }
        return order[last - 1];
    }

    private static int mostProbable(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /** Token ids by falling logit, the lower id first where logits are equal. */
    private static int[] byLogit(float[] logits) {
        long[] keys = new long[logits.length];
        for (int i = 0; i < keys.length; i++) {
            int bits = Float.floatToIntBits(logits[i]);
            int ascending = bits ^ (bits >> 31 & 0x7FFFFFFF);
            keys[i] = (long) ~ascending << 32 | i;
        }
        Arrays.sort(keys);
        int[] order = new int[keys.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = (int) keys[i];
        }
        return order;
    }
}
