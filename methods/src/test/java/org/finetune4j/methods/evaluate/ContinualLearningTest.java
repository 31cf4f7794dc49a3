package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;

/** Card {@code evaluation}, tests 10 and 11. */
class ContinualLearningTest {
    private static ContinualLearning of(double second) {
        return new ContinualLearning(List.of(List.of(.9, .3, .2), List.of(second, .8, .3), List.of(.6, .75, .85)),
                Collections.nCopies(3, .25));
    }

    @Test
    void transferAndForgetting() {
        ContinualLearning learning = of(.7);
        assertEquals(.7333, learning.accuracy(), 5e-5);
        assertEquals(-.1750, learning.backwardTransfer(), 1e-9);
        assertEquals(.0500, learning.forwardTransfer(), 1e-9);
        assertEquals(.1750, learning.forgetting(), 1e-9);
        assertEquals(List.of("ACC", "BWT", "FWT", "forgetting"), learning.results().stream().map(MetricResult::name).toList());
    }

    @Test
    void forgettingCountsFromTheBestStage() {
        assertEquals(.2000, of(.95).forgetting(), 1e-9);
        assertEquals(-.1750, of(.95).backwardTransfer(), 1e-9);
    }

    @Test
    void forgettingIsAtLeastTheNegativeTransfer() {
        Random random = new Random(7);
        for (int draw = 0; draw < 200; draw++) {
            int tasks = 2 + random.nextInt(4);
            List<List<Double>> scores = new ArrayList<>();
            for (int stage = 0; stage < tasks; stage++) {
                scores.add(IntStream.range(0, tasks).mapToObj(i -> random.nextDouble()).toList());
            }
            ContinualLearning learning = new ContinualLearning(scores, Collections.nCopies(tasks, .5));
            assertTrue(learning.forgetting() >= -learning.backwardTransfer() - 1e-12);
        }
    }

    @Test
    void onlySquareMatricesAreTaken() {
        assertTrue(assertThrows(FinetuneException.class, () -> new ContinualLearning(List.of(List.of(.5, .5)), List.of(.5, .5)))
                .getMessage().contains("1 stages"));
        assertThrows(FinetuneException.class, () -> new ContinualLearning(List.of(List.of(.5), List.of(.5, .5)),
                List.of(.5, .5)));
        assertThrows(FinetuneException.class, () -> new ContinualLearning(List.of(List.of(.5, .5), List.of(.5, .5)),
                List.of(.5)));
    }

    @Test
    void groupsAreWeightedBySize() {
        List<MetricResult> tasks = List.of(new MetricResult("a", "s", .5, null, 10, 0, List.of()),
                new MetricResult("b", "s", .9, null, 30, 0, List.of()));
        assertEquals(.8, GroupScore.of(tasks, true), 1e-12);
        assertEquals(.7, GroupScore.of(tasks, false), 1e-12);
        MetricResult other = new MetricResult("c", "BLEU|tok:none", .5, null, 1, 0, List.of());
        assertTrue(assertThrows(FinetuneException.class, () -> GroupScore.of(List.of(tasks.get(0), other), true)).getMessage()
                .contains("different conventions"));
        assertThrows(FinetuneException.class, () -> GroupScore.of(List.of(), true));
    }

    @Test
    void cosineOfVectors() {
        assertEquals(.5963, SemanticSimilarity.cosine(new float[] {1, 2, 0}, new float[] {2, 1, 2}), 5e-5);
        assertEquals(0, SemanticSimilarity.cosine(new float[] {0, 0}, new float[] {1, 2}));
        MetricResult result = new SemanticSimilarity("x").score(List.of(new float[] {1, 0}, new float[] {1, 0}),
                List.of(new float[] {2, 0}, new float[] {0, 3}));
        assertEquals(List.of(1.0, 0.0), result.items());
        assertTrue(assertThrows(FinetuneException.class, () -> new SemanticSimilarity("").requireMeasurable(List.of()))
                .getMessage().contains("no encoder"));
    }
}
