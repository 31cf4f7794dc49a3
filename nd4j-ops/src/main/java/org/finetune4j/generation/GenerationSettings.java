package org.finetune4j.generation;

import java.util.Set;

/**
 * How text is generated.
 *
 * @param maxNewTokens most tokens to add, at least 1
 * @param temperature  divides the logits; 0 takes the most probable token always
 * @param topK         keeps only this many most probable tokens; 0 keeps all
 * @param topP         keeps the most probable tokens whose probabilities reach this sum, in (0, 1]
 * @param seed         for sampling; the same seed gives the same text whatever else is in the batch
 * @param stopIds      tokens that end a text; they are not part of it
 */
public record GenerationSettings(int maxNewTokens, double temperature, int topK, double topP, long seed,
                                 Set<Integer> stopIds) {
    /** Refuses values out of range. */
    public GenerationSettings {
        if (maxNewTokens < 1) {
            throw new IllegalArgumentException("maxNewTokens is " + maxNewTokens + ", but must be at least 1");
        }
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature is " + temperature + ", but must be 0 or positive and finite");
        }
        if (topK < 0) {
            throw new IllegalArgumentException("topK is " + topK + ", but must be 0 (all) or positive");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("topP is " + topP + ", but must be in (0, 1]");
        }
        stopIds = Set.copyOf(stopIds);
    }

    /** Always the most probable token. */
    public static GenerationSettings greedy(int maxNewTokens, Set<Integer> stopIds) {
        return new GenerationSettings(maxNewTokens, 0, 0, 1, 0, stopIds);
    }
}
