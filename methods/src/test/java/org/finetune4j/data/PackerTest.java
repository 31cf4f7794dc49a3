package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;

class PackerTest {
    private static List<Example> examples(int count, long seed) {
        Random random = new Random(seed);
        return IntStream.range(0, count).mapToObj(i -> {
            int length = 2 + random.nextInt(30);
            boolean[] supervised = new boolean[length];
            Arrays.fill(supervised, 1, length, true);
            return new Example("s" + i, new int[length], supervised);
        }).toList();
    }

    private static List<String> names(Packer.Step step) {
        return step.batches().stream().flatMap(List::stream).map(Example::id).toList();
    }

    @Test
    void everyPassHasEverySampleOnceInAnOrderOfItsOwn() {
        Packer packer = new Packer(examples(100, 1), 64, 3, 7);
        List<List<String>> passes = new ArrayList<>();
        DataPosition at = DataPosition.START;
        for (int epoch = 0; epoch < 3; epoch++) {
            List<String> seen = new ArrayList<>();
            while (at.epoch() == epoch) {
                Packer.Step step = packer.step(at);
                seen.addAll(names(step));
                at = step.next();
            }
            assertEquals(100, seen.size());
            assertEquals(100, seen.stream().distinct().count());
            passes.add(seen);
        }
        assertNotEquals(passes.get(0), passes.get(1));
        assertNotEquals(passes.get(1), passes.get(2));
    }

    @Test
    void batchesKeepTheBudgetAndALongSampleStandsAlone() {
        List<Example> examples = examples(200, 2);
        Packer packer = new Packer(examples, 20, 2, 5);
        boolean alone = false;
        for (DataPosition at = DataPosition.START; at.epoch() == 0;) {
            Packer.Step step = packer.step(at);
            assertTrue(step.batches().size() <= 2);
            for (List<Example> batch : step.batches()) {
                int tokens = batch.stream().mapToInt(Example::inputTokens).sum();
                assertTrue(tokens <= 20 || batch.size() == 1);
                alone |= tokens > 20;
            }
            at = step.next();
        }
        assertTrue(alone);
    }

    @Test
    void aStepDoesNotChangeWithTheListsItWasMadeOf() {
        List<Example> batch = new ArrayList<>(examples(2, 1));
        List<List<Example>> batches = new ArrayList<>(List.of(batch));
        Packer.Step step = new Packer.Step(batches, DataPosition.START);
        batch.clear();
        batches.clear();
        assertEquals(List.of("s0", "s1"), names(step));
        assertThrows(UnsupportedOperationException.class, () -> step.batches().get(0).clear());
    }

    @Test
    void anyStepIsAPureFunctionOfSeedAndPosition() {
        List<Example> examples = examples(50, 3);
        Packer walking = new Packer(examples, 40, 2, 11);
        DataPosition at = DataPosition.START;
        for (int i = 0; i < 40; i++) {
            Packer.Step step = walking.step(at);
            assertEquals(names(step), names(new Packer(examples, 40, 2, 11).step(at)));
            at = step.next();
        }
        assertFalse(Arrays.equals(new Packer(examples, 40, 2, 11).order(0), new Packer(examples, 40, 2, 12).order(0)));
    }

    /** A position that is off by one sample would train one sample twice or never: the law above must see it. */
    @Test
    void aPositionOffByOneIsAnotherStep() {
        Packer packer = new Packer(examples(50, 3), 40, 2, 11);
        DataPosition second = packer.step(DataPosition.START).next();
        assertNotEquals(names(packer.step(second)), names(packer.step(new DataPosition(0, second.index() + 1))));
        assertNotEquals(names(packer.step(second)), names(packer.step(new DataPosition(0, second.index() - 1))));
    }

    @Test
    void theShuffleIsFair() {
        List<Example> examples = examples(4, 4);
        int[] firsts = new int[4];
        for (int seed = 0; seed < 4000; seed++) {
            firsts[new Packer(examples, 1, 1, seed).order(0)[0]]++;
        }
        for (int count : firsts) {
            assertEquals(1000, count, 150);
        }
    }

    @Test
    void theOrderDependsOnSeedAndCountAlone() {
        assertArrayEquals(new Packer(examples(8, 5), 1, 1, 42).order(0), new Packer(examples(8, 6), 9, 3, 42).order(0));
    }

    @Test
    void countsTheStepsOfAllPasses() {
        Packer packer = new Packer(examples(30, 6), 50, 2, 1);
        long steps = 0;
        DataPosition at = DataPosition.START;
        while (at.epoch() < 3) {
            at = packer.step(at).next();
            steps++;
        }
        assertEquals(steps, packer.steps(3));
        assertThrows(IllegalArgumentException.class, () -> packer.step(new DataPosition(0, 30)));
        assertThrows(FinetuneException.class, () -> new Packer(List.of(), 1, 1, 1));
    }
}
