package org.finetune4j.methods.objective;

import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.jspecify.annotations.Nullable;

/** Evaluates a token loss and its gradient on given logits, so that the same tests may hold any engine to the cards. */
interface ObjectiveHarness {
    /**
     * Evaluates.
     *
     * @param loss      what to evaluate
     * @param logits    {@code [tokens][vocabulary]}
     * @param labels    {@code [tokens]}
     * @param weights   factor on each token's loss {@code [tokens]}
     * @param reference the reference model's logits {@code [tokens][vocabulary]}, or null where there is none
     */
    Result evaluate(TokenLoss loss, double[][] logits, int[] labels, double[] weights, double @Nullable [][] reference);

    /**
     * What came out.
     *
     * @param loss     the sum over tokens of weight times loss
     * @param gradient of {@code loss} with respect to the logits {@code [tokens][vocabulary]}
     * @param values   per-token values {@code [tokens]} by name: {@code loss} and what the token loss logs
     */
    record Result(double loss, double[][] gradient, Map<String, double[]> values) {
    }

    /** With the mean over the tokens given. */
    default Result mean(TokenLoss loss, double[][] logits, int[] labels, double @Nullable [][] reference) {
        double[] weights = new double[labels.length];
        java.util.Arrays.fill(weights, 1.0 / labels.length);
        return evaluate(loss, logits, labels, weights, reference);
    }
}
