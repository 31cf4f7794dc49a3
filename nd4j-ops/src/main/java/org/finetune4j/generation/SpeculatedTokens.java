package org.finetune4j.generation;

import java.util.Set;
import org.finetune4j.model.ExitEngine;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Tokens that the first blocks draft and the whole model checks, as {@link Depth.SelfSpeculative} says. The checks choose as
 * they would without drafts, by the same settings and the same random numbers, so that the drafts decide the time alone.
 */
final class SpeculatedTokens implements ExitRun.NextTokens {
    private static final int DRAFT = 0;
    private static final int WHOLE = 1;
    private static final int MORE = 2;

    private final ExitEngine engine;
    private final int vocabulary;
    private final int window;
    private final int longest;
    private final long[] decided;
    private int now;

    /**
     * A way to the next tokens.
     *
     * @param window  tokens that are drafted at first
     * @param longest tokens of the model's context
     * @param decided counts drafts that were kept, and tokens of the whole model
     */
    SpeculatedTokens(ExitEngine engine, int vocabulary, int window, int longest, long[] decided) {
        this.engine = engine;
        this.vocabulary = vocabulary;
        this.window = window;
        this.longest = longest;
        this.decided = decided;
    }

    @Override
    public void begin() {
        now = window;
    }

    @Override
    public @Nullable EndReason advance(Text text, TokenListener listener) {
        int[] drafts = new int[Math.min(now, text.remaining() - 1)];
        int before = text.places();
        int count = draft(drafts, text.stopIds());
        INDArray logits = engine.logits(WHOLE, count + 1);
        float[][] rows = new float[count + 1][];
        for (int i = 0; i <= count; i++) {
            rows[i] = ExitRun.row(logits, i, vocabulary);
        }
        int kept = 0;
        EndReason reason = null;
        boolean agrees = true;
        for (int i = 0; i <= count && agrees && reason == null; i++) {
            int token = text.choose(rows[i]);
            agrees = i < count && token == drafts[i];
            decided[agrees ? DRAFT : WHOLE]++;
            kept += agrees ? 1 : 0;
            reason = text.take(token, longest, listener);
        }
        engine.cut(before + kept);
        if (drafts.length > 0) {
            now = kept == count ? now + MORE : Math.max(1, now - 1);
        }
        return reason;
    }

    /** Drafts tokens and feeds them, up to one that ends the text; returns how many. */
    private int draft(int[] drafts, Set<Integer> stopIds) {
        for (int i = 0; i < drafts.length; i++) {
            float[] logits = ExitRun.row(engine.logits(DRAFT, 1), 0, vocabulary);
            for (int token = 1; token < vocabulary; token++) {
                drafts[i] = logits[token] > logits[drafts[i]] ? token : drafts[i];
            }
            engine.feed(drafts[i]);
            if (stopIds.contains(drafts[i])) {
                return i + 1;
            }
        }
        return drafts.length;
    }
}
