package org.finetune4j.generation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
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
        return sample(logits, sequence, 0, place);
    }

    /** As {@link #sample(float[], int, int)}, for one of several texts with the same number. */
    int sample(float[] logits, int sequence, int number, int place) {
        int best = mostProbable(logits, sequence, place);
        if (settings.temperature() == 0) {
            return best;
        }
        long seed = CounterRandom.seed(settings.seed(), number == 0 ? "sample" : "sample " + number, sequence);
        return candidates(logits, logits[best]).drawn(CounterRandom.uniform(seed, place));
    }

    /** The probability with which each token is drawn. */
    double[] probabilities(float[] logits) {
        Candidates candidates = candidates(logits, logits[mostProbable(logits, 0, 0)]);
        double[] probabilities = new double[logits.length];
        double sum = sum(candidates.weights);
        for (int i = 0; i < candidates.weights.length; i++) {
            probabilities[candidates.token(i)] = candidates.weights[i] / sum;
        }
        return probabilities;
    }

    /** Tokens that may be drawn, with their weights; {@code order} null means that tokens come by their ids. */
    private record Candidates(int @Nullable [] order, double[] weights) {
        int token(int place) {
            return order == null ? place : order[place];
        }

        int drawn(double random) {
            double draw = random * sum(weights);
            int chosen = 0;
            for (int i = 0; i < weights.length; i++) {
                draw -= weights[i];
                // A token without any weight is never drawn, not even where rounding leaves a rest.
                chosen = weights[i] > 0 ? i : chosen;
                if (draw < 0) {
                    break;
                }
            }
            return token(chosen);
        }
    }

    private Candidates candidates(float[] logits, float highest) {
        Candidates candidates = mostProbable(logits, highest);
        double[] weights = candidates.weights;
        for (int i = 0; i < weights.length && settings.minP() > 0; i++) {
            // The most probable token has weight 1.
            weights[i] = weights[i] < settings.minP() ? 0 : weights[i];
        }
        if (settings.typicalP() < 1) {
            keepTypical(weights, settings.typicalP());
        }
        return candidates;
    }

    /** What {@code temperature}, {@code topK} and {@code topP} leave. */
    private Candidates mostProbable(float[] logits, float highest) {
        if (settings.topK() > 0 && settings.topK() < logits.length) {
            int[] order = mostProbable(logits, settings.topK());
            double[] weights = weights(logits, order, highest);
            return reaching(order, weights, settings.topP() * sum(weights));
        }
        double[] all = new double[logits.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = weight(logits[i], highest);
        }
        if (settings.topP() == 1) {
            return new Candidates(null, all);
        }
        double sum = sum(all);
        for (int size = Math.min(FIRST_IN_ORDER, all.length); ; size = (int) Math.min((long) size * GROWTH, all.length)) {
            int[] order = mostProbable(logits, size);
            double[] weights = weights(logits, order, highest);
            if (size == all.length || sum(weights) >= settings.topP() * sum) {
                return reaching(order, weights, settings.topP() * sum);
            }
        }
    }

    /** The first tokens that reach the wanted sum. */
    private static Candidates reaching(int[] order, double[] weights, double wanted) {
        double nucleus = 0;
        int last = 0;
        while (last < weights.length && nucleus < wanted) {
            nucleus += weights[last++];
        }
        return new Candidates(Arrays.copyOf(order, last), Arrays.copyOf(weights, last));
    }

    /**
     * Takes their weight from all tokens but those whose surprise is nearest to the expected one and that reach the sum.
     */
    private static void keepTypical(double[] weights, double wanted) {
        double sum = sum(weights);
        double entropy = 0;
        for (double weight : weights) {
            entropy -= weight > 0 ? weight / sum * Math.log(weight / sum) : 0;
        }
        double expected = entropy;
        double[] distance = Arrays.stream(weights).map(weight -> Math.abs(-Math.log(weight / sum) - expected)).toArray();
        int[] order = IntStream.range(0, weights.length).filter(i -> weights[i] > 0).boxed()
                .sorted(Comparator.comparingDouble(i -> distance[i])).mapToInt(Integer::intValue).toArray();
        double reached = 0;
        int kept = 0;
        while (kept < order.length && reached < wanted) {
            reached += weights[order[kept++]] / sum;
        }
        double furthest = distance[order[kept - 1]];
        for (int token : order) {
            weights[token] = distance[token] > furthest ? 0 : weights[token];
        }
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
            throw notFinite(sequence, place);
        }
        if (highest == Float.NEGATIVE_INFINITY) {
            throw allForbidden(sequence, place);
        }
        int best = 0;
        while (logits[best] != highest) {
            best++;
        }
        return best;
    }

    static FinetuneException notFinite(int sequence, int place) {
        return new FinetuneException("prompt " + sequence + " (counted from 0): the model's logits are not finite, so no "
                + "token can be chosen at place " + place + " of its continuation. The weights are damaged: load an "
                + "earlier checkpoint or lower the learning rate and train again.");
    }

    static FinetuneException allForbidden(int sequence, int place) {
        return new FinetuneException("prompt " + sequence + " (counted from 0): the settings forbid every token at place "
                + place + " of its continuation. Ban fewer tokens, or leave out noRepeatNgram.");
    }

    /** The ids of the highest logits, in falling order, the lower id first where logits are equal. */
    static int[] mostProbable(float[] logits, int count) {
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
