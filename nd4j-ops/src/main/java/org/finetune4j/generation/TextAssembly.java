package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.finetune4j.tokenizer.StreamingDecoder;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Puts texts together from their tokens, and tells a listener of them. */
final class TextAssembly implements TokenListener {
    private final List<OpenText[]> open = new ArrayList<>();
    private final List<GeneratedText[]> done = new ArrayList<>();
    private final TextListener listener;
    private final int all;
    private int ended;

    TextAssembly(Tokenizer tokenizer, List<TextGenerator.Prompt> prompts, TextListener listener) {
        this.listener = listener;
        for (TextGenerator.Prompt prompt : prompts) {
            int samples = prompt.settings().samples();
            OpenText[] texts = new OpenText[samples];
            Arrays.setAll(texts, i -> new OpenText(tokenizer.streamingDecoder(true),
                    new StopStrings(prompt.settings().stopStrings())));
            open.add(texts);
            done.add(new GeneratedText[samples]);
        }
        all = prompts.stream().mapToInt(prompt -> prompt.settings().samples()).sum();
    }

    /** A text that is not done: what is sure of it, and what holds the rest back. */
    private static final class OpenText {
        private final StreamingDecoder decoder;
        private final StopStrings stops;
        private final StringBuilder text = new StringBuilder();
        private boolean ended;

        OpenText(StreamingDecoder decoder, StopStrings stops) {
            this.decoder = decoder;
            this.stops = stops;
        }

        String take(String piece) {
            String certain = stops.append(piece);
            text.append(certain);
            return certain;
        }
    }

    @Override
    public @Nullable EndReason onToken(int request, int sample, int token) {
        OpenText text = open.get(request)[sample];
        boolean goesOn = tell(text, request, sample, text.take(text.decoder.append(token)));
        return text.stops.stopped() ? EndReason.STOP_STRING : goesOn ? null : EndReason.CANCELLED;
    }

    private boolean tell(OpenText text, int request, int sample, String piece) {
        text.ended |= !piece.isEmpty() && !listener.onText(request, sample, piece);
        return !text.ended;
    }

    @Override
    public void onEnd(GeneratedTokens tokens) {
        OpenText text = open.get(tokens.request())[tokens.sample()];
        boolean whole = Double.isNaN(tokens.score());
        if (!whole) {
            // The tokens of a beam were not heard one by one, because only now it is the best.
            Arrays.stream(tokens.tokens()).forEach(token -> text.take(text.decoder.append(token)));
        }
        EndReason reason = tokens.reason();
        if (!text.stops.stopped() && !text.ended) {
            String rest = text.take(text.decoder.finish());
            if (!text.stops.stopped()) {
                String held = text.stops.finish();
                text.text.append(held);
                rest += held;
            } else {
                reason = EndReason.STOP_STRING;
            }
            if (whole) {
                tell(text, tokens.request(), tokens.sample(), rest);
            }
        }
        GeneratedText result = new GeneratedText(text.text.toString(), new GeneratedTokens(tokens.request(),
                tokens.sample(), tokens.tokens(), tokens.choices(), reason, tokens.score()));
        done.get(tokens.request())[tokens.sample()] = result;
        listener.onEnd(result, ++ended, all);
    }

    @Override
    public boolean cancelled() {
        return listener.cancelled();
    }

    List<List<GeneratedText>> results() {
        return done.stream().map(texts -> Arrays.stream(texts).filter(java.util.Objects::nonNull).toList()).toList();
    }
}
