package org.finetune4j.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttentionScoresTest {
    private static final int[] OFFSETS = {0, 1, 1, 8, 20};
    private static final int[] CACHED = {4, 3, 0, 7};

    @ParameterizedTest
    @CsvSource({"0,true", "1,true", "3,true", "7,true", "9,true", "100,true", "0,false"})
    void operationsAreThoseOfEveryPairInSight(int window, boolean causal) {
        AttentionShape shape = new AttentionShape(6, 2, 5).withScores(new AttentionScores(1, 0, window, causal));
        for (int[] past : new int[][] {new int[4], CACHED}) {
            long pairs = 0;
            for (int s = 0; s < past.length; s++) {
                int keys = past[s] + OFFSETS[s + 1] - OFFSETS[s];
                for (int place = past[s]; place < keys; place++) {
                    for (int key = 0; key < keys; key++) {
                        boolean late = causal && key > place;
                        boolean early = window > 0 && key <= place - window;
                        pairs += late || early ? 0 : 1;
                    }
                }
            }
            assertEquals(4.0 * pairs * 6 * 5, shape.operations(OFFSETS, past));
        }
    }

    @Test
    void placesInSightEndAtTheQuery() {
        AttentionScores window = new AttentionScores(1, 0, 3, true);
        assertEquals(0, window.firstKey(2));
        assertEquals(1, window.firstKey(3));
        assertEquals(8, window.firstKey(10));
        assertEquals(11, window.endKey(10, 40));
        assertEquals(40, new AttentionScores(1, 0, 0, false).endKey(10, 40));
    }

    @Test
    void aShapeIsCausalWithItsOwnScaleUnlessToldOtherwise() {
        AttentionShape shape = new AttentionShape(4, 2, 64);
        assertEquals(new AttentionScores(0.125, 0, 0, true), shape.scores());
        AttentionScores other = new AttentionScores(0.3, 50, 4096, true);
        assertEquals(new AttentionShape(4, 2, 64, other), shape.withScores(other));
        assertEquals(0.3f, shape.withScores(other).scale());
    }

    @Test
    void wrongNumbersAreRefused() {
        refused(() -> new AttentionScores(0, 0, 0, true), "scale 0.0");
        refused(() -> new AttentionScores(Double.NaN, 0, 0, true), "scale NaN");
        refused(() -> new AttentionScores(1, -2, 0, true), "softcap -2.0");
        refused(() -> new AttentionScores(1, Double.POSITIVE_INFINITY, 0, true), "softcap Infinity");
        refused(() -> new AttentionScores(1, 0, -1, true), "window -1");
        refused(() -> new AttentionScores(1, 0, 5, false), "window of 5 keys that is not causal");
        refused(() -> new AttentionShape(4, 2, 0), "head dimension 0");
    }

    private static void refused(Runnable call, String part) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, call::run).getMessage());
        assertTrue(message.contains(part), message);
    }
}
