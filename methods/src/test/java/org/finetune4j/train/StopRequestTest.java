package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StopRequestTest {
    /** Steps with a due checkpoint and without one. */
    @Test
    void aListenerEndsTheRunWithACheckpointOfTheStepInHand(@TempDir Path folder) {
        TrainSettings settings = BigramJobs.settings().maxSteps(12).checkpointEvery(4).build();
        float[] uninterrupted = BigramJobs.train(BigramJobs.job(settings, null), TrainingListener.NONE);
        List<Long> resumed = new ArrayList<>();
        for (long last : new long[] {3, 8}) {
            TrainingListener stopping = listener(last, resumed);
            FinetuneException stop = assertThrows(FinetuneException.class,
                    () -> BigramJobs.train(BigramJobs.job(settings, folder), stopping));
            assertTrue(stop.getMessage().contains("after step " + last + " of 12"), stop.getMessage());
            assertTrue(stop.getMessage().contains("Run it again to continue from " + folder), stop.getMessage());
        }
        assertArrayEquals(uninterrupted, BigramJobs.train(BigramJobs.job(settings, folder), listener(-1, resumed)));
        assertEquals(List.of(3L, 8L), resumed);
    }

    private static TrainingListener listener(long last, List<Long> resumed) {
        return new TrainingListener() {
            private long step;

            @Override
            public void stepMade(StepEvent event) {
                step = event.step();
            }

            @Override
            public void resumed(long from, Path checkpoint) {
                resumed.add(from);
            }

            @Override
            public boolean stopRequested() {
                return step == last;
            }
        };
    }
}
