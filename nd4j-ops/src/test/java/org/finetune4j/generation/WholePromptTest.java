package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prompts beyond the length at which longrope's frequencies change, 12 tokens here, whatever the limits are. */
class WholePromptTest {
    private static final Path MODEL = Path.of("src", "test", "resources", "families", "phi3-longrope");
    private static final GenerationLimits NARROW = new GenerationLimits(2, 5, 1L << 30);
    private static final int NEW = 6;

    @ParameterizedTest
    @ValueSource(ints = {4, 13, 23})
    void limitsDoNotChangeWhatIsGenerated(int length) {
        // The short prompt stays short of the change.
        int added = length < 12 ? NEW : 2 * NEW;
        int[] prompt = new Random(length).ints(length, 0, 47).toArray();
        GenerationSettings.Builder settings = GenerationSettings.builder().maxNewTokens(added);
        try (Kernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.load(MODEL, Precision.F64, kernels)) {
            assertArrayEquals(greedy(model, prompt, added), generate(model, prompt, settings.build(), NARROW).get(0).tokens());
            for (GenerationSettings several : List.of(settings.temperature(0.9).seed(3).samples(4).build(),
                    GenerationSettings.builder().maxNewTokens(added).beams(3).samples(2).build())) {
                List<GeneratedTokens> narrow = generate(model, prompt, several, NARROW);
                List<GeneratedTokens> wide = generate(model, prompt, several, GenerationLimits.DEFAULT);
                assertEquals(several.samples(), narrow.size());
                for (int sample = 0; sample < narrow.size(); sample++) {
                    assertArrayEquals(wide.get(sample).tokens(), narrow.get(sample).tokens());
                }
            }
        }
    }

    private static List<GeneratedTokens> generate(LanguageModel model, int[] prompt, GenerationSettings settings,
                                                  GenerationLimits limits) {
        try (Generator generator = new Generator(model, true, 47, limits)) {
            return generator.generate(List.of(new GenerationRequest(prompt, settings, 0)), new TokenListener() { }).get(0);
        }
    }

    /** The likeliest continuation of a prompt that is read in one pass. */
    private static int[] greedy(LanguageModel model, int[] prompt, int count) {
        int[] text = new int[count];
        int[] next = prompt;
        try (DecodingEngine engine = new DecodingEngine(model, true)) {
            engine.begin(1, prompt.length + count);
            for (int i = 0; i < count; i++) {
                text[i] = engine.feed(List.of(new Feed(0, next))).argMax(1).getInt(0);
                next = new int[] {text[i]};
            }
        }
        return text;
    }
}
