package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.PackedBatch;
import org.junit.jupiter.api.Test;

class StepBatchesTest {
    /** Card sft, test 3: two sequences whose tokens have the losses {1, 3} and {.5, .5, 1, 2}. */
    private static final Example SHORT = new Example("short", new int[] {9, 1, 2},
            new boolean[] {false, true, true});
    private static final Example LONG = new Example("long", new int[] {9, 8, 3, 4, 5, 6, 7},
            new boolean[] {false, false, true, true, true, true, false});
    private static final double[] LOSS_OF_LABEL = {0, 1, 3, .5, .5, 1, 2};

    private static double loss(List<List<Example>> step, Reduction reduction) {
        double loss = 0;
        for (PackedBatch batch : StepBatches.of(step, reduction)) {
            for (int i = 0; i < batch.supervised(); i++) {
                loss += batch.weights()[i] * LOSS_OF_LABEL[batch.labels()[i]];
            }
        }
        return loss;
    }

    @Test
    void reductionsAreOfTheWholeStepHoweverItIsSplit() {
        for (List<List<Example>> step : List.of(List.of(List.of(SHORT, LONG)), List.of(List.of(SHORT), List.of(LONG)),
                List.of(List.of(LONG), List.of(SHORT)))) {
            assertEquals(1.333333, loss(step, Reduction.TOKENS), 1e-6);
            assertEquals(1.5, loss(step, Reduction.SEQUENCES), 1e-6);
            assertEquals(4.0, loss(step, Reduction.SUM_PER_SEQUENCE), 1e-6);
        }
    }

    /** The classic bug: the mean of micro-batch means. The law above would see it. */
    @Test
    void theMeanOfMicroBatchMeansIsAnotherNumber() {
        double mean = (loss(List.of(List.of(SHORT)), Reduction.TOKENS) + loss(List.of(List.of(LONG)), Reduction.TOKENS)) / 2;
        assertEquals(1.5, mean, 1e-6);
    }

    @Test
    void rowsPredictTheNextTokenWithinTheirSequence() {
        PackedBatch batch = StepBatches.of(List.of(List.of(SHORT, LONG)), Reduction.TOKENS).get(0);
        assertArrayEquals(new int[] {9, 1, 9, 8, 3, 4, 5}, batch.ids());
        assertArrayEquals(new int[] {0, 1, 0, 1, 2, 3, 4}, batch.positions());
        assertArrayEquals(new int[] {0, 2, 7}, batch.offsets());
        assertArrayEquals(new int[] {0, 1, 3, 4, 5, 6}, batch.supervisedRows());
        assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6}, batch.labels());
    }

    @Test
    void refusesASampleWithoutASupervisedToken() {
        Example mute = new Example("mute", new int[] {1, 2}, new boolean[] {true, false});
        FinetuneException refusal = assertThrows(FinetuneException.class,
                () -> StepBatches.of(List.of(List.of(SHORT, mute)), Reduction.TOKENS));
        assertTrue(refusal.getMessage().startsWith("mute has no token to learn"), refusal.getMessage());
    }
}
