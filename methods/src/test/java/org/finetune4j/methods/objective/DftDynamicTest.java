package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.finetune4j.head.TokenLoss;
import org.junit.jupiter.api.Test;

/** Card {@code dft-dynamic}; its behaviour is in {@link NoisyLabelsTest}. */
class DftDynamicTest {
    private static final TokenLoss DFT = new DftDynamic().tokenLoss();

    /** The classic fault: the weight takes part in the gradient. */
    private static final TokenLoss WITHOUT_STOP = Toy.loss(false, view -> TokenLoss.Expression.of(
            view.graph().math().exp(view.logProbability()).mul(view.logProbability().neg())));

    /** Has the same gradient by the card's identity. */
    private static final TokenLoss ONE_MINUS_P = Toy.loss(false, view -> TokenLoss.Expression.of(
            view.graph().math().exp(view.logProbability()).neg().add(1)));

    private static final double[][] GRADIENT = {{-0.076430, 0.050844, 0.018704, 0.006881},
            {0.015425, 0.025431, -0.056280, 0.015425}, {-0.033270, 0.000571, 0.031149, 0.001551}};

    @Test
    void lossOfTheToy() {
        ObjectiveHarness.Result result = HARNESS.mean(DFT, LOGITS, LABELS, null);
        assertArrayEquals(new double[] {0.283444, 0.330541, 0.245740}, result.values().get("loss"), 1e-6);
        assertEquals(0.286575, result.loss(), 1e-6);
        assertArrayEquals(new double[] {0.643914, 0.215113, 0.112457}, result.values().get("probability"), 1e-6);
        assertArrayEquals(new double[] {0.440190, 1.536592, 2.185182}, result.values().get("nll"), 1e-6);
        assertFalse(DFT.needsReference());
    }

    @Test
    void gradientOfTheToy() {
        Toy.assertRows(GRADIENT, HARNESS.mean(DFT, LOGITS, LABELS, null).gradient(), 1e-6);
    }

    @Test
    void aWeightThatTakesPartInTheGradientIsCaught() {
        ObjectiveHarness.Result broken = HARNESS.mean(WITHOUT_STOP, LOGITS, LABELS, null);
        assertEquals(0.286575, broken.loss(), 1e-6, "the value alone does not show it");
        assertEquals(0.030199, broken.gradient()[1][2], 1e-6);
        assertEquals(0.039431, broken.gradient()[2][0], 1e-6);
        assertTrue(GRADIENT[1][2] < 0 && GRADIENT[2][0] < 0, "the right sign is the other one");
    }

    @Test
    void gradientIsThatOfOneMinusTheProbability() {
        double[][] logits = Toy.randomLogits(9, 11, 1);
        int[] labels = Toy.randomLabels(9, 11, 2);
        Toy.assertRows(HARNESS.mean(ONE_MINUS_P, logits, labels, null).gradient(),
                HARNESS.mean(DFT, logits, labels, null).gradient(), 1e-12);
    }

    @Test
    void limits() {
        double[][] even = {{0, 0}, {5, 5}};
        int[] labels = {0, 1};
        assertEquals(HARNESS.mean(new Sft().tokenLoss(), even, labels, null).loss() / 2,
                HARNESS.mean(DFT, even, labels, null).loss(), 1e-12);

        double[][] certain = {{40, 0}, {0, 40}};
        assertEquals(0, HARNESS.mean(DFT, certain, labels, null).loss(), 1e-12);
        assertEquals(0, HARNESS.mean(new Sft().tokenLoss(), certain, labels, null).loss(), 1e-12);

        double[][] impossible = {{0, 40}, {40, 0}};
        assertEquals(0, HARNESS.mean(DFT, impossible, labels, null).gradient()[0][0], 1e-12);
        assertEquals(-0.5, HARNESS.mean(new Sft().tokenLoss(), impossible, labels, null).gradient()[0][0], 1e-12);
    }

    @Test
    void divisorIsTheNumberOfTokens() {
        double[][] logits = Toy.randomLogits(6, 5, 3);
        int[] labels = Toy.randomLabels(6, 5, 4);
        double weighted = 0;
        for (double factor : new double[] {1, 3}) {
            double sum = 0;
            double weights = 0;
            double[][] scaled = new double[6][5];
            for (int t = 0; t < 6; t++) {
                for (int v = 0; v < 5; v++) {
                    scaled[t][v] = factor * logits[t][v];
                }
                double p = Toy.softmax(scaled[t])[labels[t]];
                sum -= p * Math.log(p);
                weights += p;
            }
            assertEquals(sum / 6, HARNESS.mean(DFT, scaled, labels, null).loss(), 1e-12);
            weighted = sum / weights;
        }
        assertTrue(Math.abs(weighted - HARNESS.mean(DFT, logits, labels, null).loss()) > 1e-2,
                "dividing by the sum of weights would show");
    }

    @Test
    void twoSequencesAreAveragedOverTheirTokens() {
        assertEquals(Reduction.TOKENS, new DftDynamic().reduction());
        double[][] logits = Toy.randomLogits(6, 5, 5);
        int[] labels = Toy.randomLabels(6, 5, 6);
        double[] terms = HARNESS.mean(DFT, logits, labels, null).values().get("loss");
        double meanOfMeans = (terms[0] + terms[1]) / 4 + (terms[2] + terms[3] + terms[4] + terms[5]) / 8;
        double mean = java.util.Arrays.stream(terms).average().orElseThrow();
        assertEquals(mean, HARNESS.mean(DFT, logits, labels, null).loss(), 1e-12);
        assertTrue(Math.abs(mean - meanOfMeans) > 1e-3, "the mean of two means is another number");
    }
}
