package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.finetune4j.methods.objective.Toy.REFERENCE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;

/** Card {@code asft}; its behaviour is in {@link NoisyLabelsTest}. */
class AsftTest {
    private static ObjectiveHarness.Result toy(Asft asft) {
        return HARNESS.mean(asft.tokenLoss(), LOGITS, LABELS, REFERENCE);
    }

    @Test
    void forwardDivergenceOfTheToy() {
        ObjectiveHarness.Result result = toy(new Asft(0.1));
        assertArrayEquals(new double[] {0.643914, 0.215113, 0.112457}, result.values().get("probability"), 1e-6);
        assertArrayEquals(new double[] {0.283444, 0.330541, 0.245740}, result.values().get("dft"), 1e-6);
        assertArrayEquals(new double[] {0.202722, 0.025298, 0.424709}, result.values().get("kl"), 1e-6);
        assertArrayEquals(new double[] {0.440190, 1.536592, 2.185182}, result.values().get("nll"), 1e-6);
        assertEquals(0.308333, result.loss(), 1e-6);
        assertEquals(0.297454, toy(new Asft(0.05)).loss(), 1e-6);
    }

    @Test
    void reverseDivergenceOfTheToy() {
        ObjectiveHarness.Result result = toy(new Asft(0.1, KlDirection.REVERSE, 0));
        assertArrayEquals(new double[] {0.178075, 0.027033, 0.338169}, result.values().get("kl"), 1e-6);
        assertEquals(0.304684, result.loss(), 1e-6);
    }

    @Test
    void defaultIsTheForwardDivergence() {
        Asft byName = Asft.METHOD.create(new Settings(Map.of("kl", 0.1)));
        assertEquals(KlDirection.FORWARD, byName.direction());
        assertNotEquals(0.304684, toy(byName).loss(), 1e-3, "0.304684 is the divergence the wrong way round");
        assertEquals(0.308333, toy(byName).loss(), 1e-6);
    }

    @Test
    void gradientOfTheToy() {
        double[][] gradient = toy(new Asft(0.1)).gradient();
        assertArrayEquals(new double[] {-0.067150, 0.046556, 0.017127, 0.003467}, gradient[0], 1e-6);
        assertArrayEquals(new double[] {-0.044202, -0.000909, 0.044167, 0.000943}, gradient[2], 1e-6);
    }

    @Test
    void aWeightThatTakesPartInTheGradientIsCaught() {
        TokenLoss leaking = Toy.loss(true, view -> TokenLoss.Expression.of(
                view.graph().math().exp(view.logProbability()).mul(view.logProbability().neg())
                        .add(view.klDivergence(view.referenceLogits(), view.logits()).mul(0.1))));
        ObjectiveHarness.Result broken = HARNESS.mean(leaking, LOGITS, LABELS, REFERENCE);
        assertEquals(0.308333, broken.loss(), 1e-6, "the value alone does not show it");
        double anchor = toy(new Asft(0.1)).gradient()[2][0] - -0.033270;
        assertEquals(0.039431, broken.gradient()[2][0] - anchor, 1e-6);
        assertTrue(toy(new Asft(0.1)).gradient()[2][0] < 0);
    }

    @Test
    void gradientIsTheCardsFormula() {
        int tokens = 6;
        int vocabulary = 9;
        double[][] logits = Toy.randomLogits(tokens, vocabulary, 1);
        double[][] reference = Toy.randomLogits(tokens, vocabulary, 2);
        int[] labels = Toy.randomLabels(tokens, vocabulary, 3);
        double[][] forward = new double[tokens][vocabulary];
        double[][] reverse = new double[tokens][vocabulary];
        for (int t = 0; t < tokens; t++) {
            double[] pi = Toy.softmax(logits[t]);
            double[] q = Toy.softmax(reference[t]);
            double divergence = 0;
            for (int v = 0; v < vocabulary; v++) {
                divergence += pi[v] * Math.log(pi[v] / q[v]);
            }
            for (int v = 0; v < vocabulary; v++) {
                double dynamic = pi[labels[t]] * (pi[v] - (v == labels[t] ? 1 : 0));
                forward[t][v] = (dynamic + 0.3 * (pi[v] - q[v])) / tokens;
                reverse[t][v] = (dynamic + 0.3 * pi[v] * (Math.log(pi[v] / q[v]) - divergence)) / tokens;
            }
        }
        Toy.assertRows(forward, HARNESS.mean(new Asft(0.3), logits, labels, reference).gradient(), 1e-12);
        Toy.assertRows(reverse, HARNESS.mean(new Asft(0.3, KlDirection.REVERSE, 0), logits, labels, reference)
                .gradient(), 1e-12);
    }

    @Test
    void withoutDivergenceItIsDftBitForBitAndNeedsNoReference() {
        Asft asft = new Asft(0);
        assertFalse(asft.needsReference());
        assertTrue(new Asft(0.05).needsReference());
        double[][] logits = Toy.randomLogits(9, 11, 4);
        int[] labels = Toy.randomLabels(9, 11, 5);
        ObjectiveHarness.Result anchored = HARNESS.mean(asft, logits, labels, null);
        ObjectiveHarness.Result dynamic = HARNESS.mean(new DftDynamic(), logits, labels, null);
        assertEquals(dynamic.loss(), anchored.loss(), 0);
        Toy.assertRows(dynamic.gradient(), anchored.gradient(), 0);
        assertEquals(0.286575, HARNESS.mean(asft, LOGITS, LABELS, null).loss(), 1e-6);
    }

    @Test
    void divergenceToOneselfIsZeroWithItsGradient() {
        double[][] logits = Toy.randomLogits(9, 11, 6);
        int[] labels = Toy.randomLabels(9, 11, 7);
        ObjectiveHarness.Result dynamic = HARNESS.mean(new DftDynamic(), logits, labels, null);
        for (KlDirection direction : KlDirection.values()) {
            ObjectiveHarness.Result same = HARNESS.mean(new Asft(0.5, direction, 0), logits, labels, logits);
            assertArrayEquals(new double[9], same.values().get("kl"), 0);
            Toy.assertRows(dynamic.gradient(), same.gradient(), 1e-16);
        }
    }

    @Test
    void microBatchesOfOneThreeAndFourEqualOneOfEight() {
        double[][] logits = Toy.randomLogits(8, 6, 8);
        double[][] reference = Toy.randomLogits(8, 6, 9);
        int[] labels = Toy.randomLabels(8, 6, 10);
        ObjectiveHarness.Result whole = HARNESS.mean(new Asft(0.1), logits, labels, reference);
        double loss = 0;
        for (int[] range : new int[][] {{0, 1}, {1, 4}, {4, 8}}) {
            double[] weights = new double[range[1] - range[0]];
            Arrays.fill(weights, 1.0 / 8);
            ObjectiveHarness.Result part = HARNESS.evaluate(new Asft(0.1),
                    Arrays.copyOfRange(logits, range[0], range[1]), Arrays.copyOfRange(labels, range[0], range[1]),
                    weights, Arrays.copyOfRange(reference, range[0], range[1]));
            loss += part.loss();
            Toy.assertRows(Arrays.copyOfRange(whole.gradient(), range[0], range[1]), part.gradient(), 1e-12);
        }
        assertEquals(whole.loss(), loss, 1e-12);
    }

    @Test
    void weightsHaveAFloor() {
        ObjectiveHarness.Result result = toy(new Asft(0, KlDirection.FORWARD, 0.3));
        assertArrayEquals(new double[] {0.283444, 0.3 * 1.536592, 0.3 * 2.185182}, result.values().get("loss"), 1e-6);
        double[] p = Toy.softmax(LOGITS[2]);
        assertEquals(0.3 * (p[0] - 1) / 3, result.gradient()[2][0], 1e-12);
        assertEquals(0.643914, result.values().get("probability")[0], 1e-6);
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        for (double kl : new double[] {-0.1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertTrue(assertThrows(FinetuneException.class, () -> new Asft(kl)).getMessage()
                    .contains("'kl' is " + kl));
        }
        assertTrue(assertThrows(FinetuneException.class, () -> new Asft(0.1, KlDirection.FORWARD, 1)).getMessage()
                .contains("'weightFloor' is 1.0"));
    }
}
