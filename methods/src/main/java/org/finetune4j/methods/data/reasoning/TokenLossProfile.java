package org.finetune4j.methods.data.reasoning;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;

/**
 * How the loss of responses is spread over their tokens, by the negative log-probabilities of a tuned model: routine
 * tokens have hardly any, and a few key tokens, which the base model finds hardest, have most of it.
 *
 * @param tokens   how many tokens there are
 * @param mean     mean loss in nats a token
 * @param median   half the tokens have at most this
 * @param p90      90 % of the tokens have at most this
 * @param routine  share of tokens with a loss below 0.05
 * @param keyMean  mean loss of the key tokens: the fifth of the tokens with the highest loss under the base model
 */
public record TokenLossProfile(int tokens, double mean, double median, double p90, double routine, double keyMean) {
    private static final double ROUTINE = 0.05;
    private static final double KEY = 0.2;

    /**
     * The profile.
     *
     * @param tuned loss of every token under the tuned model
     * @param base  loss of the same tokens under the base model, ties by their order
     * @throws FinetuneException when there is no token, or the arrays differ in length
     */
    public static TokenLossProfile of(float[] tuned, float[] base) {
        if (tuned.length == 0 || tuned.length != base.length) {
            throw new FinetuneException("a profile of token losses needs the losses of the same tokens under both "
                    + "models, "
                    + "at least one, but there are " + tuned.length + " and " + base.length + ".");
        }
        float[] sorted = tuned.clone();
        Arrays.sort(sorted);
        int key = Math.max(1, (int) Math.ceil(KEY * tuned.length - 1e-9));
        double keyMean = IntStream.range(0, base.length).boxed().sorted((i, j) -> Float.compare(base[j], base[i]))
                .limit(key)
                .mapToDouble(i -> tuned[i]).average().orElse(0);
        double sum = 0;
        int routine = 0;
        for (float loss : tuned) {
            sum += loss;
            routine += loss < ROUTINE ? 1 : 0;
        }
        return new TokenLossProfile(tuned.length, sum / tuned.length, quantile(sorted, 0.5), quantile(sorted, 0.9),
                (double) routine / tuned.length, keyMean);
    }

    /** The smallest value that at least this share of the values does not exceed. */
    private static double quantile(float[] sorted, double share) {
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length - 1e-9) - 1)];
    }
}
