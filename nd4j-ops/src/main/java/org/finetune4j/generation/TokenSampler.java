package org.finetune4j.generation;

import java.util.Arrays;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next token from logits.
 *
 * <p>Only as many tokens are put in order as are needed: {@code topK}, or those that reach {@code topP}.
 */
final class TokenSampler {
    private static final int FIRST_IN_ORDER = 64;
    private static final int GROWTH = 16;

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
     * @throws FinetuneException when a logit is not a number or infinite
     */
    int sample(float[] logits, int sequence, int place) {
        int best = mostProbable(logits, sequence, place);
        if (settings.temperature() == 0) {
            return best;
        }
        double random = CounterRandom.uniform(CounterRandom.seed(settings.seed(), "sample", sequence), place);
        float highest = logits[best];
        if (settings.topK() > 0 && settings.topK() < logits.length) {
            int[] order = mostProbable(logits, settings.topK());
            double[] weights = weights(logits, order, highest);
            return drawn(order, weights, settings.topP() * sum(weights), random);
        }
        double[] all = new double[logits.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = weight(logits[i], highest);
        }
        double sum = sum(all);
        if (settings.topP() == 1) {
            return drawn(null, all, sum, random);
        }
        for (int size = Math.min(FIRST_IN_ORDER, all.length); ; size = (int) Math.min((long) size * GROWTH, all.length)) {
            int[] order = mostProbable(logits, size);
            double[] weights = weights(logits, order, highest);
            if (size == all.length || sum(weights) >= settings.topP() * sum) {
                return drawn(order, weights, settings.topP() * sum, random);
            }
        }
    }

    /** One of the first tokens that reach the wanted sum; {@code order} null means that tokens come by their ids. */
    private static int drawn(int @Nullable [] order, double[] weights, double wanted, double random) {
        double nucleus = 0;
        int last = 0;
        while (last < weights.length && nucleus < wanted) {
            nucleus += weights[last++];
        }
        double draw = random * nucleus;
        int chosen = 0;
        for (int i = 0; i < last; i++) {
            draw -= weights[i];
            // A token without any weight is never drawn, not even where rounding leaves a rest.
            chosen = weights[i] > 0 ? i : chosen;
            if (draw < 0) {
                break;
            }
        }
        return order == null ? chosen : order[chosen];
    }

    private double[] weights(float[] logits, int[] order, float highest) {
        return Arrays.stream(order).mapToDouble(token -> weight(logits[token], highest)).toArray();
    }

    private double weight(float logit, float highest) {
        return Math.exp((logit - highest) / settings.temperature());
    }

    private static double sum(double[] weights) {
        double sum = 0;
        for (double weight : weights) {
            sum += weight;
        }
        return sum;
    }

    private static int mostProbable(float[] logits, int sequence, int place) {
        float highest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            // Of a number and no number, this takes the latter.
            highest = Math.max(highest, logit);
        }
        if (Float.isNaN(highest) || highest == Float.POSITIVE_INFINITY) {
            throw new FinetuneException("prompt " + sequence + " (counted from 0): the model's logits are not finite, so no "
                    + "token can be chosen at place " + place + " of its continuation. The weights are damaged: load an "
                    + "earlier checkpoint or lower the learning rate and train again.");
        }
        int best = 0;
        while (logits[best] != highest) {
            best++;
        }
        return best;
    }

    /** The ids of the highest logits, in falling order, the lower id first where logits are equal. */
    private static int[] mostProbable(float[] logits, int count) {
        long[] heap = new long[count];
        for (int i = 0; i < count; i++) {
            heap[i] = key(logits[i], i);
        }
        // Its root is the worst of those kept so far, so that most others are passed over after one comparison.
        for (int i = count / 2 - 1; i >= 0; i--) {
            sink(heap, i);
        }
        for (int i = count; i < logits.length; i++) {
            long key = key(logits[i], i);
            if (key < heap[0]) {
                heap[0] = key;
                sink(heap, 0);
            }
        }
        Arrays.sort(heap);
        return Arrays.stream(heap).mapToInt(key -> (int) key).toArray();
    }

    /** A number that is the lower the earlier a token comes in order. */
    private static long key(float logit, int token) {
        int bits = Float.floatToIntBits(logit);
        int ascending = bits ^ (bits >> 31 & 0x7FFFFFFF);
        return (long) ~ascending << 32 | token;
    }

    private static void sink(long[] heap, int start) {
        int parent = start;
        long moved = heap[start];
        for (int child = 2 * parent + 1; child < heap.length; child = 2 * parent + 1) {
            if (child + 1 < heap.length && heap[child + 1] > heap[child]) {
                child++;
            }
            if (heap[child] <= moved) {
                break;
            }
            heap[parent] = heap[child];
            parent = child;
        }
        heap[parent] = moved;
    }
}
