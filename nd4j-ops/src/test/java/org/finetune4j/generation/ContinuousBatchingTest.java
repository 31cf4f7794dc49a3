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
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TestModels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** What is generated for a prompt is what is generated for it alone, whatever slots, passes and memory there are. */
class ContinuousBatchingTest {
    private static final int VOCABULARY = 37;
    private static final int CONTEXT = 64;
    private static final long BYTES_PER_PLACE = 2 * 2 * 2 * 6 * Float.BYTES;

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void manyPromptsGiveWhatEachGivesAlone(String name) {
        List<int[]> prompts = prompts(1, 23, 40);
        // The portable kernels take their time, and slots know nothing of kernels.
        int[] lengths = name.equals("nd4j") ? new int[] {5} : new int[] {3, 5, 11, 32};
        try (Kernels kernels = kernels(name); LanguageModel model = model(kernels)) {
            GenerationSettings settings = GenerationSettings.greedy(12, Set.of(stopOfAnEarlyText(model, prompts)));
            List<int[]> alone = alone(model, prompts, settings);
            assertTrue(alone.stream().mapToInt(text -> text.length).distinct().count() > 2, "texts end at other places");
            assertTrue(alone.stream().map(Arrays::toString).distinct().count() > 10, "texts differ");
            for (int texts : lengths) {
                for (int tokensPerPass : new int[] {texts, texts + 7, 2048}) {
                    GenerationLimits limits = new GenerationLimits(texts, tokensPerPass, 1L << 30);
                    assertTexts(alone, generated(model, prompts, settings, limits), limits.toString());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void drawnTextsDependOnSeedAndPlaceOnly(String name) {
        List<int[]> prompts = prompts(2, 9, 20);
        GenerationSettings settings = drawn(4);
        try (Kernels kernels = kernels(name); LanguageModel model = model(kernels)) {
            List<int[]> wide = generated(model, prompts, settings, GenerationLimits.DEFAULT);
            assertTexts(wide, generated(model, prompts, settings, new GenerationLimits(2, 5, 1L << 30)), "two slots");
            GenerationSettings other = drawn(5);
            assertTrue(!Arrays.deepEquals(wide.toArray(),
                    generated(model, prompts, other, GenerationLimits.DEFAULT).toArray()), "another seed, other texts");
        }
    }

    private static GenerationSettings drawn(long seed) {
        return GenerationSettings.builder().maxNewTokens(9).temperature(0.8).topP(0.95).seed(seed).stopIds(Set.of(1)).build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void aPromptIsReadInParts(String name) {
        int[] prompt = new Random(3).ints(50, 0, VOCABULARY).toArray();
        GenerationSettings settings = GenerationSettings.greedy(10, Set.of());
        try (Kernels kernels = kernels(name); LanguageModel model = model(kernels);
             Generator whole = new Generator(model);
             Generator parts = new Generator(model, true, VOCABULARY, new GenerationLimits(1, 7, 1L << 30))) {
            assertArrayEquals(whole.generate(List.of(prompt), settings).get(0),
                    parts.generate(List.of(prompt), settings).get(0));
            assertTrue(parts.arenaBytes() < whole.arenaBytes() / 4,
                    parts.arenaBytes() + " bytes for 7 tokens, " + whole.arenaBytes() + " for 50");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void theCacheStaysWithinItsLimit(String name) {
        List<int[]> prompts = prompts(4, 20, 50);
        GenerationSettings settings = GenerationSettings.greedy(10, Set.of());
        try (Kernels kernels = kernels(name); LanguageModel model = model(kernels)) {
            List<int[]> alone = alone(model, prompts, settings);
            for (long places : name.equals("nd4j") ? new long[] {150} : new long[] {CONTEXT, 150, 500}) {
                long most = places * BYTES_PER_PLACE;
                GenerationLimits limits = new GenerationLimits(32, 2048, places * BYTES_PER_PLACE);
                List<Long> held = new ArrayList<>();
                try (Generator generator = new Generator(model, true, VOCABULARY, limits)) {
                    assertTexts(alone, generator.generate(prompts, settings, answered -> held.add(generator.cacheBytes())),
                            limits.toString());
                }
                assertEquals(prompts.size(), held.size());
                assertTrue(held.stream().allMatch(bytes -> bytes > 0 && bytes <= most), held + " above " + most);
            }
            try (Generator generator = new Generator(model, true, VOCABULARY,
                    new GenerationLimits(32, 2048, 40 * BYTES_PER_PLACE))) {
                String tooLong = assertThrows(FinetuneException.class,
                        () -> generator.generate(List.of(new int[45]), settings)).getMessage();
                assertTrue(tooLong.contains("45 tokens") && tooLong.contains("Shorten the prompt"), tooLong);
                String tooMany = assertThrows(FinetuneException.class,
                        () -> generator.generate(List.of(new int[35]), settings)).getMessage();
                assertTrue(tooMany.contains("10 new tokens") && tooMany.contains("fewer new tokens"), tooMany);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nd4j", "onednn"})
    void theCacheHoldsWhatIsNeededByNow(String name) {
        int[] prompt = {3, 5, 7};
        try (Kernels kernels = kernels(name);
             LanguageModel model = LanguageModel.random(longConfig(), Precision.F32, kernels, 9);
             Generator generator = new Generator(model)) {
            List<Long> held = new ArrayList<>();
            generator.stream(prompt, GenerationSettings.greedy(300, Set.of()), token -> {
                held.add(generator.cacheBytes() / BYTES_PER_PLACE);
                return true;
            });
            assertEquals(300, held.size());
            assertEquals(64, held.get(0));
            for (int i = 0; i < held.size(); i++) {
                assertTrue(held.get(i) >= 3 + i && held.get(i) <= Math.max(64, 2 * (3 + i)), i + ": " + held.get(i));
            }
        }
    }

    /** As the other tests' models, but with a context of 1000 tokens. */
    private static ModelConfig longConfig() {
        return ModelConfig.llama(VOCABULARY, 24, 20, 2, 4, 2, 6, 1e-5, 10000, 1000, true, 0, List.of(1), DataType.FLOAT,
                0.3);
    }

    /** A token that comes early in some texts and in others not at all. */
    private static int stopOfAnEarlyText(LanguageModel model, List<int[]> prompts) {
        return alone(model, prompts.subList(0, 1), GenerationSettings.greedy(4, Set.of())).get(0)[2];
    }

    private static List<int[]> alone(LanguageModel model, List<int[]> prompts, GenerationSettings settings) {
        List<int[]> texts = new ArrayList<>();
        try (Generator generator = new Generator(model)) {
            prompts.forEach(prompt -> texts.addAll(generator.generate(List.of(prompt), settings)));
        }
        return texts;
    }

    private static List<int[]> generated(LanguageModel model, List<int[]> prompts, GenerationSettings settings,
                                         GenerationLimits limits) {
        try (Generator generator = new Generator(model, true, VOCABULARY, limits)) {
            return generator.generate(prompts, settings);
        }
    }

    private static void assertTexts(List<int[]> expected, List<int[]> found, String how) {
        assertEquals(expected.size(), found.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i), "text " + i + " with " + how);
        }
    }

    private static Kernels kernels(String name) {
        return name.equals("nd4j") ? new Nd4jKernels() : new OneDnnKernels(2);
    }

    private static LanguageModel model(Kernels kernels) {
        return LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 9);
    }

    private static List<int[]> prompts(long seed, int count, int longest) {
        Random random = new Random(seed);
        return IntStream.range(0, count)
                .mapToObj(i -> random.ints(1 + random.nextInt(longest), 0, VOCABULARY).toArray()).toList();
    }
}
