package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

/** Card soft, generation: its test 5, and what decides how deep a token goes. */
class DepthTest {
    private static final int VOCABULARY = 37;
    private static OneDnnKernels kernels;
    private static LanguageModel model;

    @BeforeAll
    static void open() {
        kernels = new OneDnnKernels();
        model = LanguageModel.random(ModelConfig.llama(VOCABULARY, 24, 20, 4, 4, 2, 6, 1e-5, 10000, 64, true, 0, List.of(1),
                DataType.FLOAT, 0.3), Precision.F32, kernels, 9);
    }

    @AfterAll
    static void close() {
        model.close();
        kernels.close();
    }

    private static Generator generator(Depth depth) {
        return new Generator(model, true, VOCABULARY, GenerationLimits.DEFAULT, depth);
    }

    private static List<int[]> prompts(int count) {
        Random random = new Random(3);
        return IntStream.range(0, count).mapToObj(i -> random.ints(1 + random.nextInt(9), 0, VOCABULARY).toArray()).toList();
    }

    private static void requireEqual(List<int[]> expected, List<int[]> found) {
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i), "prompt " + i);
        }
    }

    /** Card test 5, with other settings than the most probable token too. */
    @Test
    void draftsDoNotChangeWhatIsGenerated() {
        List<int[]> prompts = prompts(100);
        GenerationSettings greedy = GenerationSettings.greedy(8, Set.of(1));
        GenerationSettings other = GenerationSettings.builder().maxNewTokens(9).temperature(0.8).topK(20).seed(4)
                .repetitionPenalty(1.3).minNewTokens(2).stopIds(Set.of(1, 2, 3)).logProbabilities(2).build();
        try (Generator whole = generator(Depth.WHOLE)) {
            for (int window : new int[] {1, 4}) {
                try (Generator drafted = generator(new Depth.SelfSpeculative(3, window))) {
                    List<int[]> asked = window == 1 ? prompts.subList(0, 20) : prompts;
                    requireEqual(whole.generate(asked, greedy), drafted.generate(asked, greedy));
                    Map<Integer, Long> decided = drafted.decidedBehind();
                    assertTrue(decided.get(3) > 20 && decided.get(4) > 20, decided.toString());
                    requireEqual(whole.generate(prompts.subList(0, 20), other), drafted.generate(prompts.subList(0, 20), other));
                }
            }
            assertEquals(Map.of(), whole.decidedBehind());
        }
    }

    /** Card test 5: out of reach they leave the whole model, and at 0 the first exit. */
    @Test
    void thresholdsDecideHowDeepTokensGo() {
        List<int[]> prompts = prompts(10);
        GenerationSettings greedy = GenerationSettings.greedy(8, Set.of());
        try (Generator whole = generator(Depth.WHOLE); Generator first = generator(new Depth.ExitAt(1));
             Generator never = generator(new Depth.ConfidenceExit(Map.of(1, 1.0, 2, 1.0, 3, 1.0)));
             Generator always = generator(new Depth.ConfidenceExit(Map.of(1, 0.0, 2, 0.0, 3, 0.0)));
             Generator some = generator(new Depth.ConfidenceExit(Map.of(1, 0.3, 3, 0.3)))) {
            List<int[]> deep = whole.generate(prompts, greedy);
            List<int[]> shallow = first.generate(prompts, greedy);
            assertTrue(IntStream.range(0, prompts.size()).anyMatch(i -> !Arrays.equals(deep.get(i), shallow.get(i))));
            requireEqual(deep, never.generate(prompts, greedy));
            assertEquals(Map.of(1, 0L, 2, 0L, 3, 0L, 4, 80L), never.decidedBehind());
            requireEqual(shallow, always.generate(prompts, greedy));
            assertEquals(Map.of(1, 80L, 2, 0L, 3, 0L, 4, 0L), always.decidedBehind());
            some.generate(prompts, greedy);
            Map<Integer, Long> decided = some.decidedBehind();
            assertEquals(80, decided.values().stream().mapToLong(Long::longValue).sum());
            assertTrue(decided.get(1) > 0 && decided.get(4) > 0, decided.toString());
        }
        assertEquals(0.5, LogProbabilities.highest(new float[] {90, -5, 90}), 1e-6);
        assertEquals(1 / (1 + Math.exp(-1)), LogProbabilities.highest(new float[] {2, 3}), 1e-6);
    }

    @Test
    void textsEndAsElsewhere() {
        int[] prompt = {3, 17, 5, 30};
        for (Depth depth : List.of(new Depth.SelfSpeculative(3, 4), new Depth.ConfidenceExit(Map.of(3, 0.5)))) {
            try (Generator generator = generator(depth)) {
                List<Integer> seen = new ArrayList<>();
                generator.stream(prompt, GenerationSettings.greedy(8, Set.of()), token -> {
                    seen.add(token);
                    return seen.size() < 3;
                });
                assertEquals(3, seen.size());
                GenerationSettings two = GenerationSettings.builder().maxNewTokens(5).temperature(1).samples(2).build();
                List<GeneratedTokens> texts = generator.generate(List.of(new GenerationRequest(prompt, two, 0)),
                        new TokenListener() { }).get(0);
                assertEquals(2, texts.size());
                assertTrue(texts.stream().allMatch(text -> text.reason() == EndReason.LENGTH && text.tokens().length == 5));
                assertTrue(generator.cacheBytes() > 0 && generator.cacheBytesPerToken() > 0);
                assertTrue(assertThrows(FinetuneException.class, () -> generator.generate(List.of(prompt),
                        GenerationSettings.builder().beams(2).build())).getMessage().contains("need all texts at one depth"));
            }
        }
    }

    @Test
    void theDefaultsAreThePapers() {
        assertEquals(Map.of(12, 0.95, 16, 0.95, 20, 0.9, 24, 0.9, 28, 0.8, 32, 0.8, 36, 0.7),
                new Depth.ConfidenceExit(Map.of()).of(40));
        assertEquals(Map.of(1, 0.95), new Depth.ConfidenceExit(Map.of()).of(2));
        assertEquals(List.of(12, 16, 20, 24, 28, 32, 36, 40), Depth.paperExits(40));
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertEquals("confidenceExit: the threshold of block 2 is 1.5, but must be in [0, 1].", message(() ->
                new Depth.ConfidenceExit(Map.of(2, 1.5))));
        assertEquals("selfSpeculative: window is 0, but must be at least 1.", message(() -> new Depth.SelfSpeculative(1, 0)));
        assertEquals("selfSpeculative: block 4 is no exit of a model of 4 blocks. Give one in [1, 3].", message(() ->
                generator(new Depth.SelfSpeculative(4, 2))));
        assertEquals("confidenceExit: block 0 is no exit of a model of 4 blocks. Give one in [1, 3].", message(() ->
                generator(new Depth.ConfidenceExit(Map.of(0, 0.5)))));
    }

    private static String message(Runnable wrong) {
        return assertThrows(FinetuneException.class, wrong::run).getMessage();
    }
}
