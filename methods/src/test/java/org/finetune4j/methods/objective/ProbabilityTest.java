package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Card {@code prob-objectives}; the behaviour is in {@link NoisyLabelsTest}. */
class ProbabilityTest {
    private static ObjectiveHarness.Result toy(double alpha) {
        return HARNESS.mean(new Probability(alpha), LOGITS, LABELS, null);
    }

    @ParameterizedTest
    @CsvSource({"0, 1.387321", "0.5, 0.932272", "1, 0.676172", "2, 0.421076", "8, 0.123768", "10, 0.099592"})
    void lossOfTheToy(double alpha, double loss) {
        assertEquals(loss, toy(alpha).loss(), 1e-6);
    }

    @Test
    void gradientOfTheToy() {
        assertArrayEquals(new double[] {-0.049214, 0.032739, 0.012044, 0.004431}, toy(2).gradient()[0], 1e-6);
        assertArrayEquals(new double[] {-0.001455, 0.000968, 0.000356, 0.000131}, toy(10).gradient()[0], 1e-6);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1e-5, 9.9e-5, 1.01e-4})
    void aTinyAlphaIsCloseToLogLikelihood(double alpha) {
        double[] losses = toy(alpha).values().get("loss");
        double tolerance = Math.max(1e-6, 3 * alpha);
        assertArrayEquals(new double[] {0.440190, 1.536591, 2.185180}, losses, tolerance);
        double[] exact = IntStream.range(0, 3).mapToDouble(t -> -Math.expm1(alpha * -toy(0).values().get("loss")[t]) / alpha)
                .toArray();
        assertArrayEquals(exact, losses, 1e-7);
    }

    @Test
    void alphaOneMovesAsDynamicFineTuning() {
        double[][] logits = Toy.randomLogits(8, 11, 1);
        int[] labels = Toy.randomLabels(8, 11, 2);
        Toy.assertRows(HARNESS.mean(new DftDynamic(), logits, labels, null).gradient(),
                HARNESS.mean(new Probability(1), logits, labels, null).gradient(), 1e-12);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.5, 1, 10})
    void theLabelMovesMostWhereTheCardSays(double alpha) {
        int points = 1999;
        double[][] logits = new double[points][2];
        for (int i = 0; i < points; i++) {
            double p = (i + 1.0) / (points + 1);
            logits[i][0] = Math.log(p / (1 - p));
        }
        double[][] gradient = HARNESS.mean(new Probability(alpha), logits, new int[points], null).gradient();
        int best = IntStream.range(0, points).reduce(0, (a, b) -> -gradient[b][0] > -gradient[a][0] ? b : a);
        assertEquals(alpha / (alpha + 1), (best + 1.0) / (points + 1), 1e-3);
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        for (double alpha : new double[] {-0.1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertTrue(assertThrows(FinetuneException.class, () -> new Probability(alpha)).getMessage()
                    .contains("'alpha' is " + alpha));
        }
    }
}
