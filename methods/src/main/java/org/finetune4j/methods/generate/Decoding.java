package org.finetune4j.methods.generate;

import org.finetune4j.methods.Settings;

/**
 * How an answer is drawn.
 *
 * @param temperature  divides the logits, at least 0 and finite; 0 takes the most probable token always
 * @param topP         keeps the most probable tokens whose probabilities reach this sum, in (0, 1]
 * @param topK         keeps only this many most probable tokens, at least 0; 0 keeps all
 * @param maxNewTokens longest answer, at least 1
 */
public record Decoding(double temperature, double topP, int topK, int maxNewTokens) {
    /** Of all tokens. */
    public Decoding(double temperature, double topP, int maxNewTokens) {
        this(temperature, topP, 0, maxNewTokens);
    }

    /** Always the most probable token. */
    public static Decoding greedy(int maxNewTokens) {
        return new Decoding(0, 1, maxNewTokens);
    }

    /**
     * Refuses settings out of range.
     *
     * @param method named in messages
     * @throws org.finetune4j.FinetuneException when one is
     */
    public Decoding requireFor(String method) {
        Settings.require(temperature >= 0 && Double.isFinite(temperature), method, "temperature", temperature,
                "at least 0 and finite");
        Settings.require(topP > 0 && topP <= 1, method, "topP", topP, "in (0, 1]");
        Settings.require(topK >= 0, method, "topK", topK, "0 (all) or positive");
        Settings.require(maxNewTokens >= 1, method, "maxNewTokens", maxNewTokens, "at least 1");
        return this;
    }
}
