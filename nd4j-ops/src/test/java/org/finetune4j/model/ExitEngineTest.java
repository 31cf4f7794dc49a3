package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.DecodingEngine.Feed;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Card soft, test 6: tokens that stopped at an exit and are read further later. */
class ExitEngineTest {
    private static final List<Integer> EXITS = List.of(1, 3, 5);
    private static final int PLACES = 30;

    private static LanguageModel model(Precision precision, Kernels kernels) {
        return LanguageModel.random(ModelConfig.llama(37, 24, 20, 5, 4, 2, 6, 1e-5, 10000, 64, true, 0, List.of(1),
                DataType.FLOAT, 0.3), precision, kernels, 9);
    }

    /** The logits of the last token of a text, from a pass over the whole text. */
    private static float[] whole(DecodingEngine engine, int[] text, int length) {
        engine.begin(1, PLACES);
        return engine.feed(List.of(new Feed(0, text, 0, length))).getRow(0).toFloatVector();
    }

    @Test
    void whatAnyPatternOfExitsGivesIsWhatAWholePassGives() {
        check(new Nd4jKernels(), Precision.F32, 0, 100, 2e-5f);
        check(new OneDnnKernels(), Precision.F32, 1, 100, 2e-4f);
        check(new OneDnnKernels(), Precision.F32, 2, 2, 2e-4f);
        // Rounding of five blocks, at its worst.
        check(new OneDnnKernels(), Precision.BF16, 4, 100, 0.5f);
    }

    private static void check(Kernels device, Precision precision, int seed, int tokensPerPass, float tolerance) {
        Random random = new Random(seed);
        int[] text = random.ints(PLACES, 0, 37).toArray();
        try (Kernels kernels = device; LanguageModel model = model(precision, kernels);
             ExitEngine engine = new ExitEngine(model, true, EngineOptions.DEFAULT, EXITS, tokensPerPass);
             DecodingEngine one = new DecodingEngine(model, true, EngineOptions.DEFAULT, 1);
             DecodingEngine three = new DecodingEngine(model, true, EngineOptions.DEFAULT, 3);
             DecodingEngine all = new DecodingEngine(model, true)) {
            List<DecodingEngine> engines = List.of(one, three, all);
            assertEquals(3, engine.exits());
            for (int again = 0; again < 2; again++) {
                engine.begin(PLACES);
                engine.feed(Arrays.copyOf(text, 4));
                int[] deepest = new int[3];
                double differences = 0;
                for (int length = 4; length < PLACES; length++) {
                    int exit = random.nextInt(3);
                    deepest[exit]++;
                    float[] expected = whole(engines.get(exit), text, length);
                    float[] found = engine.logits(exit, 1).getRow(0).toFloatVector();
                    assertArrayEquals(expected, found, tolerance, "token " + length);
                    for (int v = 0; v < found.length; v++) {
                        differences += Math.abs(expected[v] - found[v]) / found.length / (PLACES - 4);
                    }
                    engine.feed(text[length]);
                }
                assertTrue(differences < tolerance / 10, "on average " + differences);
                assertTrue(Arrays.stream(deepest).min().getAsInt() > 0);
            }
            assertTrue(engine.cacheBytes() > 0 && engine.arenaBytes() > 0);
            assertThrows(IllegalArgumentException.class, () -> engine.feed(1));
        }
    }

    /** As drafts need it: logits of several waiting tokens, and tokens that are taken back. */
    @Test
    void tokensAreTakenBack() {
        int[] text = new Random(7).ints(PLACES, 0, 37).toArray();
        try (Kernels kernels = new Nd4jKernels(); LanguageModel model = model(Precision.F32, kernels);
             ExitEngine engine = new ExitEngine(model, true, EngineOptions.DEFAULT, List.of(2, 5), 3);
             DecodingEngine two = new DecodingEngine(model, true, EngineOptions.DEFAULT, 2);
             DecodingEngine whole = new DecodingEngine(model, true)) {
            engine.begin(PLACES);
            engine.feed(Arrays.copyOf(text, 5));
            engine.logits(1, 1);
            engine.feed(text[5]);
            engine.logits(0, 1);
            engine.feed(30, 31, 32, 33);
            INDArray all = engine.logits(1, 5);
            assertArrayEquals(new long[] {5, 37}, all.shape());
            assertArrayEquals(whole(whole, text, 6), all.getRow(0).toFloatVector(), 2e-5f);
            int[] drafted = Arrays.copyOf(text, 10);
            System.arraycopy(new int[] {30, 31, 32, 33}, 0, drafted, 6, 4);
            assertArrayEquals(whole(whole, drafted, 10), all.getRow(4).toFloatVector(), 2e-5f);
            engine.cut(7);
            drafted[7] = text[7];
            engine.feed(text[7]);
            assertArrayEquals(whole(two, drafted, 8), engine.logits(0, 1).getRow(0).toFloatVector(), 2e-5f);
            assertArrayEquals(whole(whole, drafted, 8), engine.logits(1, 1).getRow(0).toFloatVector(), 2e-5f);
            assertThrows(IllegalArgumentException.class, () -> engine.logits(1, 1));
        }
    }

    @Test
    void refusesExitsThatThereAreNot() {
        try (Kernels kernels = new Nd4jKernels(); LanguageModel model = model(Precision.F32, kernels)) {
            for (List<Integer> exits : List.of(List.of(0, 5), List.of(3, 3), List.of(2, 6))) {
                assertTrue(assertThrows(FinetuneException.class, () -> new ExitEngine(model, true, EngineOptions.DEFAULT, exits,
                        9)).getMessage().startsWith("the exits " + exits + " must ascend within [1, 5]"));
            }
        }
    }
}
