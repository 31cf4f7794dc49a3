package org.finetune4j.generation;

import org.finetune4j.generation.structure.TokenStructure;
import org.jspecify.annotations.Nullable;

/**
 * A prompt to be continued.
 *
 * @param prompt    its tokens, not empty
 * @param settings  how it is continued
 * @param stream    a number that decides the draws together with the settings' seed, so that several prompts can share a
 *                  seed
 * @param structure the settings' structure made ready for the tokenizer; null exactly when the settings have none
 */
public record GenerationRequest(int[] prompt, GenerationSettings settings, int stream, @Nullable TokenStructure structure) {
    /** Refuses a structure that is missing. */
    public GenerationRequest {
        if ((structure == null) != (settings.structure() == null)) {
            throw new IllegalArgumentException("a structure must be made ready for the tokenizer");
        }
    }

    /** A request without a structure. */
    public GenerationRequest(int[] prompt, GenerationSettings settings, int stream) {
        this(prompt, settings, stream, null);
    }
}
