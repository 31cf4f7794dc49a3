package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code prob-objectives}, thresholds; how the trainer divides is in {@link org.finetune4j.train.DivisorTest}. */
class ThresholdedTest {
    /** What the trainer makes of it: the sum over tokens, divided by how many are left. */
    private static double loss(Thresholded objective, double[][] logits, int[] labels) {
        double[] ones = new double[labels.length];
        Arrays.fill(ones, 1);
        ObjectiveHarness.Result result = HARNESS.evaluate(objective, logits, labels, ones, null);
        return result.loss() / Arrays.stream(result.values().get(objective.divisor())).sum();
    }

    @ParameterizedTest
    @CsvSource({"NLL, 0.2, 0.988391", "LINEAR, 0.2, 0.570486", "NLL, 0.3, 0.440190", "LINEAR, 0.3, 0.356086",
        "NLL, 0, 1.387321", "LINEAR, 0, 0.676172"})
    void lossOfTheToy(Thresholded.Base base, double q, double expected) {
        assertEquals(expected, loss(new Thresholded(base, Thresholded.Keep.ABOVE, q), LOGITS, LABELS), 1e-6);
    }

    @Test
    void belowKeepsTheOthers() {
        ObjectiveHarness.Result result = HARNESS.mean(new Thresholded(Thresholded.Base.NLL, Thresholded.Keep.BELOW, 0.2),
                LOGITS, LABELS, null);
        assertArrayEquals(new double[] {0, 0, 1}, result.values().get("kept"));
        assertArrayEquals(new double[] {0, 0, 2.185182}, result.values().get("loss"), 1e-6);
    }

    @Test
    void noGradientFlowsThroughTheMask() {
        double[][] logits = Toy.randomLogits(12, 7, 3);
        int[] labels = Toy.randomLabels(12, 7, 4);
        for (Thresholded.Base base : Thresholded.Base.values()) {
            Thresholded objective = new Thresholded(base, Thresholded.Keep.ABOVE, 0.15);
            double[][] gradient = HARNESS.mean(objective, logits, labels, null).gradient();
            for (int t = 0; t < logits.length; t++) {
                for (int v = 0; v < 7; v++) {
                    double[][] moved = Arrays.stream(logits).map(double[]::clone).toArray(double[][]::new);
                    moved[t][v] += 1e-6;
                    double above = HARNESS.mean(objective, moved, labels, null).loss();
                    moved[t][v] -= 2e-6;
                    double below = HARNESS.mean(objective, moved, labels, null).loss();
                    assertEquals((above - below) / 2e-6, gradient[t][v], 1e-8);
                }
            }
        }
    }

    @Test
    void settingsOutOfRangeNameBothBounds() {
        for (Thresholded.Keep keep : Thresholded.Keep.values()) {
            for (double q : new double[] {-0.1, keep == Thresholded.Keep.ABOVE ? 1 : 0, 1.5, Double.NaN}) {
                String message = assertThrows(FinetuneException.class,
                        () -> new Thresholded(Thresholded.Base.NLL, keep, q)).getMessage();
                assertTrue(message.contains("'q' is " + q) && message.contains("[0, 1)") && message.contains("(0, 1]"),
                        message);
            }
        }
    }
}
