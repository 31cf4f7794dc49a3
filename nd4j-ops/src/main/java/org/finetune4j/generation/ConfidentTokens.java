package org.finetune4j.generation;

import org.finetune4j.model.ExitEngine;
import org.jspecify.annotations.Nullable;

/** Each token from the first exit that is sure of it, as {@link Depth.ConfidenceExit} says. */
final class ConfidentTokens implements ExitRun.NextTokens {
    private final ExitEngine engine;
    private final int vocabulary;
    private final double[] thresholds;
    private final int longest;
    private final long[] decided;

    /**
     * A way to the next tokens.
     *
     * @param thresholds probabilities of all exits but the last
     * @param longest    tokens of the model's context
     * @param decided    counts the tokens of each exit
     */
    ConfidentTokens(ExitEngine engine, int vocabulary, double[] thresholds, int longest, long[] decided) {
        this.engine = engine;
        this.vocabulary = vocabulary;
        this.thresholds = thresholds;
        this.longest = longest;
        this.decided = decided;
    }

    @Override
    public void begin() {
        // Nothing is kept from token to token but what the engine keeps.
    }

    @Override
    public @Nullable EndReason advance(Text text, TokenListener listener) {
        int exit = 0;
        float[] logits = ExitRun.row(engine.logits(0, 1), 0, vocabulary);
        while (exit < thresholds.length && !(LogProbabilities.highest(logits) >= thresholds[exit])) {
            logits = ExitRun.row(engine.logits(++exit, 1), 0, vocabulary);
        }
        decided[exit]++;
        return text.take(text.choose(logits), longest, listener);
    }
}
