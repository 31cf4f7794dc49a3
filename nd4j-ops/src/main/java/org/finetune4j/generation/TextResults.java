package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** What texts came to, by their requests and samples; a listener hears of each that ends. */
final class TextResults {
    private final List<GeneratedTokens[]> results = new ArrayList<>();
    private final TokenListener listener;

    TextResults(List<GenerationRequest> requests, TokenListener listener) {
        this.listener = listener;
        requests.forEach(request -> results.add(new GeneratedTokens[request.settings().samples()]));
    }

    /** Keeps a text that has ended. */
    void end(GeneratedTokens text) {
        results.get(text.request())[text.sample()] = text;
        listener.onEnd(text);
    }

    /** Those that have ended. */
    List<List<GeneratedTokens>> all() {
        return results.stream().map(texts -> Arrays.stream(texts).filter(Objects::nonNull).toList()).toList();
    }
}
