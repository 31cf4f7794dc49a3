package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import java.util.function.Function;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;

/** The toy logits that the cards of all objectives share, and what their tests have in common. */
final class Toy {
    static final ObjectiveHarness HARNESS = new EngineHarness();
    static final double[][] LOGITS = {{2, 1, 0, -1}, {0, .5, 0, 0}, {1, -1, 3, 0}};
    static final double[][] REFERENCE = {{1, 1, 0, 0}, {0, 0, 0, 0}, {2, 0, 2, 0}};
    static final int[] LABELS = {0, 2, 0};

    private Toy() {
    }

    static double[][] randomLogits(int tokens, int vocabulary, long seed) {
        Random random = new Random(seed);
        double[][] logits = new double[tokens][vocabulary];
        for (double[] row : logits) {
            for (int v = 0; v < vocabulary; v++) {
                row[v] = 2 * random.nextGaussian();
            }
        }
        return logits;
    }

    static int[] randomLabels(int tokens, int vocabulary, long seed) {
        return new Random(seed).ints(tokens, 0, vocabulary).toArray();
    }

    static double[] softmax(double[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            largest = Math.max(largest, logit);
        }
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (int v = 0; v < logits.length; v++) {
            probabilities[v] = Math.exp(logits[v] - largest);
            sum += probabilities[v];
        }
        for (int v = 0; v < logits.length; v++) {
            probabilities[v] /= sum;
        }
        return probabilities;
    }

    static void assertRows(double[][] expected, double[][] actual, double tolerance) {
        for (int t = 0; t < expected.length; t++) {
            assertArrayEquals(expected[t], actual[t], tolerance, "row " + t);
        }
    }

    /** A loss without reference from an expression: a deliberately broken variant, or what a law compares with. */
    static TokenLoss loss(boolean needsReference, Function<TokenView, TokenLoss.Expression> expression) {
        return new TokenLoss() {
            @Override
            public boolean needsReference() {
                return needsReference;
            }

            @Override
            public Expression build(TokenView view) {
                return expression.apply(view);
            }
        };
    }
}
