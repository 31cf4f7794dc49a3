package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.head.SequenceLoss.Member;
import org.finetune4j.head.SequenceLoss.Outcome;
import org.junit.jupiter.api.Test;

/** Card {@code tl-training}, tests 3 and 7; positions and weights are in {@code KeyTokensTest}. */
class KeyTokenSftTest {
    private static final double[] LOSSES = {2, 0.5, 1, 0.1, 0.4};

    private static Outcome outcome(float... weights) {
        return KeyTokenSft.weighted("s", List.of(new Member(LOSSES, Map.of(KeyTokenSft.WEIGHT, weights))), true);
    }

    @Test
    void theWeightedMeanOfTheCard() {
        Outcome outcome = outcome(4, 1, 1, 1, 1);
        assertEquals(1.25, outcome.loss(), 1e-12);
        assertEquals(2, outcome.logged().get("keyLoss"), 1e-12);
        assertArrayEquals(new double[] {0.5, 0.125, 0.125, 0.125, 0.125}, outcome.gradients().get(0), 1e-12);
        for (int m = 0; m < LOSSES.length; m++) {
            double[] moved = LOSSES.clone();
            moved[m] += 1e-6;
            Outcome other = KeyTokenSft.weighted("s", List.of(new Member(moved, Map.of(KeyTokenSft.WEIGHT,
                    new float[] {4, 1, 1, 1, 1}))), true);
            assertEquals((other.loss() - outcome.loss()) / 1e-6, outcome.gradients().get(0)[m], 1e-8);
        }
    }

    @Test
    void equalWeightsAreThePlainMean() {
        Outcome outcome = outcome(1, 1, 1, 1, 1);
        assertEquals(Arrays.stream(LOSSES).average().orElseThrow(), outcome.loss(), 1e-12);
        assertEquals(0.8, outcome.loss(), 1e-12);
    }

    @Test
    void aCapBelowOneIsNamed() {
        String message = assertThrows(FinetuneException.class, () -> new KeyTokenSft(0.5)).getMessage();
        assertTrue(message.contains("'wMax' is 0.5"), message);
    }
}
