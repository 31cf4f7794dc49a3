package org.finetune4j.generation;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.model.ExitEngine;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Texts that are generated one after another with as many of a model's blocks as each token takes. */
final class ExitRun implements GenerationRun {
    private final ExitEngine engine;
    private final NextTokens next;
    private final TokenListener listener;
    private final Deque<Text> texts;
    private final TextResults results;
    private final HeldWeights held;
    private final int places;
    private boolean begun;

    ExitRun(ExitEngine engine, NextTokens next, List<GenerationRequest> requests, List<Text> texts, TokenListener listener) {
        this.engine = engine;
        this.next = next;
        this.listener = listener;
        this.texts = new ArrayDeque<>(texts);
        results = new TextResults(requests, listener);
        // As many for every text, so that one cache does for all of them.
        places = texts.stream().mapToInt(Text::mostPlaces).max().orElse(0);
        long most = texts.stream().mapToLong(text -> text.mostPlaces() - text.promptTokens()).sum();
        held = most < BatchRun.PASSES_WORTH_HOLDING ? HeldWeights.NONE : engine.holdWeights();
    }

    /** A way to the next tokens of a text, all of whose tokens have been fed. */
    interface NextTokens {
        /** Called before the first token of a text. */
        void begin();

        /**
         * Adds at least one token to the text; those that are kept, but for the last, are fed.
         *
         * @return why the text ends, or null when it goes on
         */
        @Nullable EndReason advance(Text text, TokenListener listener);
    }

    @Override
    public boolean goesOn() {
        return !texts.isEmpty();
    }

    @Override
    public void pass() {
        if (listener.cancelled()) {
            texts.forEach(text -> results.end(text.generated(EndReason.CANCELLED)));
            texts.clear();
        } else if (!texts.isEmpty()) {
            Text text = texts.element();
            if (begun) {
                engine.feed(text.last());
            } else {
                engine.begin(places);
                engine.feed(text.prompt());
                next.begin();
                begun = true;
            }
            EndReason reason = next.advance(text, listener);
            if (reason != null) {
                begun = false;
                texts.remove();
                results.end(text.generated(reason));
            }
        }
    }

    @Override
    public List<List<GeneratedTokens>> results() {
        return results.all();
    }

    @Override
    public void close() {
        held.close();
    }

    /** A row of logits, of the tokenizer's tokens only. */
    static float[] row(INDArray logits, int row, int vocabulary) {
        float[] copy = new float[vocabulary];
        BatchRun.copy(logits, row, copy);
        return copy;
    }
}
