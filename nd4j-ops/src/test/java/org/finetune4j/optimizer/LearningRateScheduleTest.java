package org.finetune4j.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LearningRateScheduleTest {
    @Test
    void cosineRisesAndFalls() {
        LearningRateSchedule rates = LearningRateSchedule.cosine(1, 2, 10, 0);
        double[] expected = {0.5, 1, 1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060};
        for (int step = 1; step <= 10; step++) {
            assertEquals(expected[step - 1], rates.rate(step), 1e-6);
        }
        assertEquals(0.2, LearningRateSchedule.cosine(1, 0, 4, 0.2).rate(100), 1e-12);
    }

    /** Test 6 of the card llama-bar. */
    @Test
    void cosineBeginsAgainWithEveryCycle() {
        double[] done = {0, .25, .5, .75, 1};
        double[] expected = {1, 0.5, 1, 0.5, 0};
        for (int i = 0; i < done.length; i++) {
            assertEquals(expected[i], LearningRateSchedule.cosineFactor(done[i], 2), 1e-12);
        }
        LearningRateSchedule rates = LearningRateSchedule.cosine(2, 1, 9, 0, 2);
        double[] steps = {2, 2, 1.707107, 1, 0.292893, 2, 1.707107, 1, 0.292893};
        for (int step = 1; step <= 9; step++) {
            assertEquals(steps[step - 1], rates.rate(step), 1e-6);
        }
        assertThrows(IllegalArgumentException.class, () -> LearningRateSchedule.cosine(1, 0, 1, 0, 0));
    }

    @Test
    void linearAndConstant() {
        LearningRateSchedule linear = LearningRateSchedule.linear(4, 0, 4, 0);
        assertEquals(4, linear.rate(1));
        assertEquals(1, linear.rate(4));
        assertEquals(3, LearningRateSchedule.constant(3, 3).rate(100));
        assertEquals(1, LearningRateSchedule.constant(3, 3).rate(1));
    }

    @Test
    void noStepIsWasted() {
        for (long warmup = 0; warmup < 5; warmup++) {
            LearningRateSchedule rates = LearningRateSchedule.cosine(1e-3, warmup, 5, 0);
            for (long step = 1; step <= 5; step++) {
                assertTrue(rates.rate(step) > 0);
            }
        }
    }

    @Test
    void refusesNumbersOutOfRange() {
        assertThrows(IllegalArgumentException.class, () -> LearningRateSchedule.cosine(-1, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> LearningRateSchedule.cosine(1, 1, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> LearningRateSchedule.linear(1, 0, 1, 2));
    }
}
