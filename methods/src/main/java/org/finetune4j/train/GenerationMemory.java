package org.finetune4j.train;

import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.jspecify.annotations.Nullable;

/** Memory that generating answers takes beside the parameters, found without a weight. */
final class GenerationMemory {
    private GenerationMemory() {
    }

    /**
     * What answering prompts needs at most, with the default limits: keys and values in the type of the activations, copies
     * of the weights in a faster layout, intermediate arrays.
     *
     * @param prompts       how many
     * @param longestPrompt tokens of the longest
     * @param maxNewTokens  tokens that are added to each at most
     */
    static DecodingEngine.Forecast forecast(ModelConfig config, Precision precision, FrozenWeights frozenWeights,
                                            @Nullable LinearAdapter adapter, Kernels kernels, int prompts,
                                            int longestPrompt,
                                            int maxNewTokens) {
        GenerationLimits limits = GenerationLimits.DEFAULT;
        try (LanguageModel outline = LanguageModel.outline(config, precision, frozenWeights, kernels)) {
            if (adapter != null) {
                outline.attach(adapter, 0);
            }
            try (DecodingEngine engine = new DecodingEngine(outline, true)) {
                int places = (int) Math.min(config.maxPositions(), (long) longestPrompt + maxNewTokens);
                long room = Math.max(1, limits.cacheBytes() / (places * engine.bytesPerPlace()));
                int texts = (int) Math.min(Math.min(prompts, limits.texts()), room);
                int tokens = (int) Math.min(limits.tokensPerPass(), (long) texts * longestPrompt);
                return engine.forecast(Math.max(tokens, texts), texts, places);
            }
        }
    }
}
