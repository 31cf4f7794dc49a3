package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.finetune4j.FinetuneException;
import org.finetune4j.head.TokenLoss;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code sft}. */
class SftTest {
    private static ObjectiveHarness.Result toy(Sft sft) {
        return HARNESS.mean(sft.tokenLoss(), LOGITS, LABELS, null);
    }

    @Test
    void likelihoodOfTheToy() {
        ObjectiveHarness.Result result = toy(new Sft());
        assertArrayEquals(new double[] {0.440190, 1.536592, 2.185182}, result.values().get("nll"), 1e-6);
        assertEquals(1.387321, result.loss(), 1e-6);
        assertArrayEquals(new double[] {-0.118695, 0.078961, 0.029048, 0.010686}, result.gradient()[0], 1e-6);
    }

    @Test
    void labelSmoothingOfTheToy() {
        ObjectiveHarness.Result result = toy(new Sft(0.1, 0, Reduction.TOKENS));
        assertArrayEquals(new double[] {0.590190, 1.524092, 2.210182}, result.values().get("loss"), 1e-6);
        assertEquals(1.441488, result.loss(), 1e-6);
        assertArrayEquals(new double[] {0.440190, 1.536592, 2.185182}, result.values().get("nll"), 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"1e-4, 1.387937", "1e-2, 1.448858"})
    void zLossOfTheToy(double zLoss, double expected) {
        assertEquals(expected, toy(new Sft(0, zLoss, Reduction.TOKENS)).loss(), 1e-6);
    }

    @Test
    void gradientIsTheCardsFormula() {
        int tokens = 7;
        int vocabulary = 5;
        double e = 0.2;
        double zeta = 0.03;
        double[][] logits = Toy.randomLogits(tokens, vocabulary, 1);
        int[] labels = Toy.randomLabels(tokens, vocabulary, 2);
        double[][] expected = new double[tokens][vocabulary];
        for (int t = 0; t < tokens; t++) {
            double[] p = Toy.softmax(logits[t]);
            double logSumExp = logits[t][0] - Math.log(p[0]);
            for (int v = 0; v < vocabulary; v++) {
                expected[t][v] = ((1 - e) * (p[v] - (v == labels[t] ? 1 : 0)) + e * (p[v] - 1.0 / vocabulary)
                        + 2 * zeta * logSumExp * p[v]) / tokens;
            }
        }
        Sft sft = new Sft(e, zeta, Reduction.TOKENS);
        Toy.assertRows(expected, HARNESS.mean(sft.tokenLoss(), logits, labels, null).gradient(), 1e-12);
    }

    @Test
    void gradientIsThatOfCentralDifferences() {
        double[][] logits = Toy.randomLogits(2, 4, 3);
        int[] labels = {3, 1};
        TokenLoss loss = new Sft(0.1, 0.01, Reduction.TOKENS).tokenLoss();
        double[][] gradient = HARNESS.mean(loss, logits, labels, null).gradient();
        double step = 1e-5;
        for (double[] row : logits) {
            for (int v = 0; v < row.length; v++) {
                double here = row[v];
                row[v] = here + step;
                double above = HARNESS.mean(loss, logits, labels, null).loss();
                row[v] = here - step;
                double below = HARNESS.mean(loss, logits, labels, null).loss();
                row[v] = here;
                double expected = (above - below) / (2 * step);
                assertEquals(expected, gradient[row == logits[0] ? 0 : 1][v], 1e-9);
            }
        }
    }

    @Test
    void uniformLogitsCostTheLogarithmOfTheVocabulary() {
        double[][] logits = {{3, 3, 3, 3, 3}, {-1, -1, -1, -1, -1}};
        int[] labels = {4, 0};
        assertEquals(Math.log(5), HARNESS.mean(new Sft().tokenLoss(), logits, labels, null).loss(), 1e-12);
        // Smoothing changes nothing either: the label is one of V equal ones.
        assertEquals(Math.log(5), HARNESS.mean(new Sft(0.3, 0, Reduction.TOKENS).tokenLoss(), logits, labels, null)
                .loss(), 1e-12);
    }

    @Test
    void smoothingThatLeavesTheLabelOutIsCaught() {
        TokenLoss broken = Toy.loss(false, view -> {
            var others = view.logSumExp().mul(4).sub(view.logits().sum(1)).add(view.logProbability()).div(3);
            return TokenLoss.Expression.of(view.logProbability().mul(-0.9).add(others.mul(0.1)));
        });
        assertNotEquals(1.441488, HARNESS.mean(broken, LOGITS, LABELS, null).loss(), 1e-3);
    }

    @Test
    void microBatchesAddUpToOneBatch() {
        double[][] logits = Toy.randomLogits(6, 5, 4);
        int[] labels = Toy.randomLabels(6, 5, 5);
        double whole = HARNESS.mean(new Sft().tokenLoss(), logits, labels, null).loss();
        double parts = 0;
        double meanOfMeans = 0;
        for (int[] range : new int[][] {{0, 2}, {2, 6}}) {
            double[][] rows = java.util.Arrays.copyOfRange(logits, range[0], range[1]);
            int[] own = java.util.Arrays.copyOfRange(labels, range[0], range[1]);
            double[] weights = new double[own.length];
            java.util.Arrays.fill(weights, 1.0 / 6);
            parts += HARNESS.evaluate(new Sft().tokenLoss(), rows, own, weights, null).loss();
            meanOfMeans += HARNESS.mean(new Sft().tokenLoss(), rows, own, null).loss() / 2;
        }
        assertEquals(whole, parts, 1e-12);
        assertTrue(Math.abs(whole - meanOfMeans) > 1e-2, "the mean of micro-batch means is another number");
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        assertTrue(assertThrows(FinetuneException.class, () -> new Sft(1, 0, Reduction.TOKENS)).getMessage()
                .contains("'labelSmoothing' is 1.0"));
        assertTrue(assertThrows(FinetuneException.class, () -> new Sft(0, -1, Reduction.TOKENS)).getMessage()
                .contains("'zLoss' is -1.0"));
    }
}
