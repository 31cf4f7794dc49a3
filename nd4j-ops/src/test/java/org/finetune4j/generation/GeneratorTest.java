package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TestModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class GeneratorTest {
    private static Nd4jKernels kernels;
    private static LanguageModel model;

    @BeforeAll
    static void open() {
        kernels = new Nd4jKernels();
        model = LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 9);
    }

    @AfterAll
    static void close() {
        model.close();
        kernels.close();
    }

    @Test
    void greedyTextIsWhatRepeatedFullPassesGive() {
        int[] prompt = {3, 17, 5, 30};
        List<Integer> expected = new ArrayList<>();
        int[] text = prompt;
        try (DecodingEngine engine = new DecodingEngine(model, true)) {
            for (int i = 0; i < 8; i++) {
                engine.begin(1, 40);
                int best = engine.feed(List.of(new Feed(0, text))).argMax().getInt(0);
                expected.add(best);
                text = Arrays.copyOf(text, text.length + 1);
                text[text.length - 1] = best;
            }
        }
        try (Generator generator = new Generator(model)) {
            int[] generated = generator.generate(List.of(prompt), GenerationSettings.greedy(8, Set.of())).get(0);
            assertArrayEquals(expected.stream().mapToInt(Integer::intValue).toArray(), generated);
            assertTrue(Arrays.stream(generated).distinct().count() > 1, "a constant text proves little");
        }
    }

    /** Card soft, generation from an exit: as a model of fewer blocks does, and the last exit is the whole model. */
    @Test
    void fromAnExitItGeneratesAsAModelCutThere() {
        List<int[]> prompts = prompts(4, 7, 9);
        GenerationSettings greedy = GenerationSettings.greedy(6, Set.of());
        int words = model.config().vocabularySize();
        ModelConfig shorter = ModelConfig.llama(37, 24, 20, 1, 4, 2, 6, 1e-5, 10000, 64, true, 0, List.of(1),
                DataType.FLOAT, 0.3);
        try (LanguageModel cut = LanguageModel.random(shorter, Precision.F32, kernels, 1);
             Generator whole = new Generator(model);
             Generator first = new Generator(model, true, words, GenerationLimits.DEFAULT,
                     new Depth.ExitAt(1));
             Generator last = new Generator(model, true, words, GenerationLimits.DEFAULT,
                     new Depth.ExitAt(2));
             Generator alone = new Generator(cut)) {
            cut.parameters().all().forEach(parameter -> parameter.master().assign(
                    model.parameters().named(parameter.name()).master()));
            List<int[]> full = whole.generate(prompts, greedy);
            List<int[]> early = first.generate(prompts, greedy);
            for (int i = 0; i < prompts.size(); i++) {
                assertArrayEquals(alone.generate(prompts, greedy).get(i), early.get(i));
                assertArrayEquals(full.get(i), last.generate(prompts, greedy).get(i));
            }
            assertTrue(IntStream.range(0, prompts.size()).anyMatch(i -> !Arrays.equals(full.get(i), early.get(i))));
        }
        for (int block : new int[] {0, 3}) {
            assertEquals("the model cannot answer from behind block " + block + ", for it has 2. Give a block in [1, 2].",
                    assertThrows(FinetuneException.class, () -> new Generator(model, true, words, GenerationLimits.DEFAULT,
                            new Depth.ExitAt(block))).getMessage());
        }
    }

    @Test
    void otherPromptsOfABatchDoNotShow() {
        List<int[]> prompts = prompts(2, 5, 9);
        GenerationSettings sampling = GenerationSettings.builder().maxNewTokens(6).temperature(0.9).topK(10)
                .topP(0.95).seed(4).stopIds(Set.of(1)).build();
        try (Generator generator = new Generator(model)) {
            List<int[]> together = generator.generate(prompts, GenerationSettings.greedy(6, Set.of(1)));
            for (int i = 0; i < prompts.size(); i++) {
                assertArrayEquals(generator.generate(List.of(prompts.get(i)), GenerationSettings.greedy(6,
                        Set.of(1))).get(0),
                        together.get(i));
            }
            List<int[]> first = generator.generate(prompts, sampling);
            List<int[]> again = generator.generate(prompts, sampling);
            for (int i = 0; i < prompts.size(); i++) {
                assertArrayEquals(first.get(i), again.get(i));
            }
        }
    }

    @Test
    void tellsHowManyPromptsAreAnswered() {
        List<int[]> prompts = prompts(3, 35, 4);
        List<Integer> answered = new ArrayList<>();
        try (Generator generator = new Generator(model)) {
            generator.generate(prompts, GenerationSettings.greedy(1, Set.of()), answered::add);
        }
        assertEquals(IntStream.rangeClosed(1, 35).boxed().toList(), answered);
    }

    @Test
    void rowsThatNoTokenHasAreNeverDrawn() {
        int[] prompt = {3, 1, 4};
        // So hot that all tokens are about as likely.
        GenerationSettings hot = GenerationSettings.builder().maxNewTokens(50).temperature(1000).seed(5).build();
        try (Generator all = new Generator(model); Generator few = new Generator(model, true, 10)) {
            assertTrue(Arrays.stream(all.generate(List.of(prompt), hot).get(0)).anyMatch(token -> token >= 10));
            assertTrue(Arrays.stream(few.generate(List.of(prompt), hot).get(0)).allMatch(token -> token < 10));
        }
        assertThrows(IllegalArgumentException.class, () -> new Generator(model, true, 38));
    }

    @Test
    void stopsAtAStopTokenAndWhenToldTo() {
        int[] prompt = {3, 17, 5, 30};
        try (Generator generator = new Generator(model)) {
            int[] free = generator.generate(List.of(prompt), GenerationSettings.greedy(8, Set.of())).get(0);
            int[] stopped = generator.generate(List.of(prompt), GenerationSettings.greedy(8, Set.of(free[2]))).get(0);
            int firstStop = 0;
            while (free[firstStop] != free[2]) {
                firstStop++;
            }
            assertArrayEquals(Arrays.copyOf(free, firstStop), stopped);
            List<Integer> seen = new ArrayList<>();
            generator.stream(prompt, GenerationSettings.greedy(8, Set.of()), token -> {
                seen.add(token);
                return seen.size() < 3;
            });
            assertEquals(Arrays.stream(free, 0, 3).boxed().toList(), seen);
        }
    }

    @Test
    void endsWhereTheContextEnds() {
        int[] prompt = new Random(1).ints(60, 0, 37).toArray();
        try (Generator generator = new Generator(model)) {
            assertEquals(4, generator.generate(List.of(prompt), GenerationSettings.greedy(100, Set.of())).get(0).length);
            String message = assertThrows(FinetuneException.class, () -> generator.generate(
                    List.of(new int[64]), GenerationSettings.greedy(1, Set.of()))).getMessage();
            assertTrue(message.contains("64 tokens"), message);
        }
    }

    @Test
    void aPromptThatCannotBeContinuedIsNamed() {
        try (Generator generator = new Generator(model)) {
            GenerationSettings one = GenerationSettings.greedy(1, Set.of());
            String unknown = assertThrows(FinetuneException.class,
                    () -> generator.generate(List.of(new int[] {1}, new int[] {2, 37}), one)).getMessage();
            assertTrue(unknown.contains("prompt 1 ") && unknown.contains("37"), unknown);
            String empty = assertThrows(FinetuneException.class,
                    () -> generator.generate(List.of(new int[] {1}, new int[] {2}, new int[0]), one)).getMessage();
            assertTrue(empty.contains("prompt 2 ") && empty.contains("0 tokens"), empty);
        }
        try (LanguageModel damaged = LanguageModel.random(TestModels.config(false), Precision.F32, kernels, 9);
             Generator generator = new Generator(damaged)) {
            damaged.parameters().named("model.embed_tokens.weight").value().getRow(7).assign(Float.NaN);
            String message = assertThrows(FinetuneException.class, () -> generator.generate(
                    List.of(new int[] {3, 4, 5}, new int[] {2}, new int[] {6, 7}),
                    GenerationSettings.greedy(3, Set.of()))).getMessage();
            assertTrue(message.contains("prompt 2 "), message);
        }
    }

    private static List<int[]> prompts(long seed, int count, int longest) {
        Random random = new Random(seed);
        return IntStream.range(0, count).mapToObj(i -> random.ints(1 + random.nextInt(longest), 0, 37).toArray()).toList();
    }
}
