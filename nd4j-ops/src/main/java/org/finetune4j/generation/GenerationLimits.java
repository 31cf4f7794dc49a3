package org.finetune4j.generation;

/**
 * What generation may take at a time. Neither limit changes what is generated.
 *
 * @param texts         most texts that are generated side by side, at least 1
 * @param tokensPerPass most new tokens in one pass of the model, in [texts, ...): a longer prompt is read in several
 *                      passes, and intermediate arrays are never larger than those of so many tokens, but for a prompt
 *                      beyond the length at which the model's rotary frequencies change, which is read in one
 * @param cacheBytes    most bytes of keys and values: texts wait for one another beyond, and a text that alone needs
 *                      more is refused
 */
public record GenerationLimits(int texts, int tokensPerPass, long cacheBytes) {
    /** 32 texts, 2048 tokens a pass, 2 GiB of keys and values. */
    public static final GenerationLimits DEFAULT = new GenerationLimits(32, 2048, 2L << 30);

    /** Refuses values out of range. */
    public GenerationLimits {
        if (texts < 1 || tokensPerPass < texts || cacheBytes < 1) {
            throw new IllegalArgumentException("generation needs at least 1 text, as many tokens per pass as texts and a "
                    + "positive number of bytes, got " + texts + ", " + tokensPerPass + " and " + cacheBytes);
        }
    }
}
