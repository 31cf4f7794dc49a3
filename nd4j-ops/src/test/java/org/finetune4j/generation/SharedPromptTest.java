package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TestModels;
import org.junit.jupiter.api.Test;

/** Several texts of one prompt are what each would be alone, and the prompt is read once. */
class SharedPromptTest {
    private static final int VOCABULARY = 37;

    private static final class Counter implements TokenListener {
        private int passes;

        @Override
        public boolean cancelled() {
            passes++;
            return false;
        }
    }

    @Test
    void textsOfOnePromptShareWhatWasRead() {
        Random random = new Random(5);
        List<GenerationRequest> requests = new ArrayList<>();
        for (int length : new int[] {1, 2, 30, 50, 17}) {
            requests.add(new GenerationRequest(random.ints(length, 0, VOCABULARY).toArray(), GenerationSettings.builder()
                    .maxNewTokens(8).temperature(0.9).seed(length).samples(5).stopIds(Set.of(1)).logProbabilities(2).build(), length));
        }
        try (Kernels kernels = new OneDnnKernels(1);
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 9)) {
            List<List<GeneratedTokens>> wide = generate(model, requests, GenerationLimits.DEFAULT, new Counter());
            for (GenerationLimits limits : List.of(new GenerationLimits(1, 7, 1L << 30), new GenerationLimits(3, 3,
                    1L << 30),
                    new GenerationLimits(4, 100, 64 * 2 * 2 * 2 * 6 * 4 * 2))) {
                List<List<GeneratedTokens>> narrow = generate(model, requests, limits, new Counter());
                for (int r = 0; r < requests.size(); r++) {
                    assertEquals(5, narrow.get(r).size());
                    for (int s = 0; s < 5; s++) {
                        GeneratedTokens text = narrow.get(r).get(s);
                        assertArrayEquals(wide.get(r).get(s).tokens(), text.tokens(), limits + ", " + r + ", " + s);
                        assertEquals(wide.get(r).get(s).reason(), text.reason());
                        assertEquals(r, text.request());
                        assertEquals(s, text.sample());
                        assertEquals(text.tokens().length, text.choices().size());
                    }
                }
            }
            assertTrue(wide.get(2).stream().map(text -> Arrays.toString(text.tokens())).distinct().count() > 2,
                    "texts differ");
        }
    }

    @Test
    void aPromptIsReadOnce() {
        int[] prompt = new Random(6).ints(50, 0, VOCABULARY).toArray();
        GenerationSettings settings = GenerationSettings.builder().maxNewTokens(4).temperature(1).samples(6).build();
        try (Kernels kernels = new OneDnnKernels(1);
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 9)) {
            for (int texts : new int[] {1, 2, 6}) {
                Counter counter = new Counter();
                generate(model, List.of(new GenerationRequest(prompt, settings, 0)),
                        new GenerationLimits(texts, 6, 1L << 30), counter);
                // Nine passes of six tokens, and then four for each text, or for all that have a slot.
                int most = 9 + 4 * (6 + texts - 1) / texts + 3;
                assertTrue(counter.passes <= most, counter.passes + " passes with " + texts + " slots, not " + most);
            }
        }
    }

    private static List<List<GeneratedTokens>> generate(LanguageModel model, List<GenerationRequest> requests,
                                                        GenerationLimits limits, TokenListener listener) {
        try (Generator generator = new Generator(model, true, VOCABULARY, limits)) {
            return generator.generate(requests, listener);
        }
    }
}
