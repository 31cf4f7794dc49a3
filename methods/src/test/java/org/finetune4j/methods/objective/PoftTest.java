package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.head.SequenceLoss.Member;
import org.finetune4j.head.SequenceLoss.Outcome;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code poft}; how scores come to samples is in {@link org.finetune4j.train.PreparedObjectivesTest}. */
class PoftTest {
    private static final double[] TOY = {0.440190, 1.536592, 2.185182};

    private static Outcome outcome(double beta, double score, double... losses) {
        float[] scores = new float[losses.length];
        float[] counted = new float[losses.length];
        Arrays.fill(scores, (float) score);
        Arrays.fill(counted, 1);
        return new PoftLoss(beta, 0).of("s", List.of(new Member(losses, Map.of(Poft.SCORE, scores, Poft.COUNTED, counted))),
                true);
    }

    @Test
    void lossOfTheToy() {
        Outcome outcome = outcome(1, -1.2, TOY);
        assertEquals(0.791188, outcome.loss(), 1e-6);
        assertEquals(0.546694, outcome.logged().get("coefficient"), 1e-6);
        assertEquals(0.897912, outcome(2, -1.2, TOY).loss(), 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"1, -1, 0.693147, 0.5", "1, -4, 0.048587, 0.047426", "4, -1, 3.048587, 0.952574"})
    void lossAndCoefficient(double mean, double score, double loss, double coefficient) {
        Outcome outcome = outcome(1, score, mean);
        assertEquals(loss, outcome.loss(), 1e-6);
        assertEquals(coefficient, outcome.logged().get("coefficient"), 1e-6);
    }

    @Test
    void theDerivativeIsTheCoefficientOfTheMean() {
        for (double beta : new double[] {1, 0.5, 3}) {
            Outcome outcome = outcome(beta, -1.2, TOY);
            double third = beta * outcome.logged().get("coefficient") / 3;
            assertArrayEquals(new double[] {third, third, third}, outcome.gradients().get(0), 1e-12);
            for (int t = 0; t < 3; t++) {
                double[] moved = TOY.clone();
                moved[t] += 1e-6;
                assertEquals((outcome(beta, -1.2, moved).loss() - outcome.loss()) / 1e-6, third, 1e-6);
            }
        }
    }

    @Test
    void limitsAreSupervisedFineTuningAndNothing() {
        double third = 1.0 / 3;
        assertArrayEquals(new double[] {third, third, third}, outcome(1, 30, TOY).gradients().get(0), 1e-11);
        assertArrayEquals(new double[3], outcome(1, -60, TOY).gradients().get(0), 1e-20);
        assertTrue(Double.isFinite(outcome(1, -1e6, TOY).loss()) && Double.isFinite(outcome(1, 0, 1e6).loss()));
    }

    @Test
    void tokensThatEndATurnDoNotCount() {
        Member member = new Member(new double[] {1, 3, 50}, Map.of(Poft.SCORE, new float[] {-1, -1, -1}, Poft.COUNTED,
                new float[] {1, 1, 0}));
        Outcome outcome = new PoftLoss(1, 0).of("s", List.of(member), true);
        assertEquals(-1, outcome.logged().get("margin"), 1e-12);
        assertEquals(0, outcome.gradients().get(0)[2]);
    }

    @Test
    void asInTheCodeEveryTokenCounts() {
        Example all = Poft.everyToken(new Example("s", new int[] {5, 6, 7}, new boolean[] {false, false, true}));
        assertEquals(2, all.supervisedTokens());
        assertArrayEquals(new float[] {1, 1, 1}, all.columns().get(Poft.COUNTED));
        assertEquals(Poft.Tokens.ALL, Poft.METHOD.create(new Settings(Map.of("tokens", "all"))).tokens());
        assertEquals(Poft.Tokens.RESPONSE, Poft.METHOD.create(new Settings(Map.of())).tokens());
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        assertTrue(assertThrows(FinetuneException.class, () -> Poft.METHOD.create(new Settings(Map.of("beta", 0.0))))
                .getMessage().contains("'beta' is 0.0"));
        assertTrue(assertThrows(FinetuneException.class, () -> Poft.METHOD.create(new Settings(Map.of("scores", " "))))
                .getMessage().contains("the folders of aligned models"));
    }
}
