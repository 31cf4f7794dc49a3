package org.finetune4j.methods.data;

import java.util.List;
import java.util.Map;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.tokenizer.Message;

/** Samples of invented facts. */
final class FactSamples {
    /** More invented names are hard to tell apart. */
    private static final int MOST = 20_000;

    private FactSamples() {
    }

    static void requireCount(String method, String name, int count) {
        Settings.require(count >= 1 && count <= MOST, method, name, count, "at least 1 and at most " + MOST);
    }

    /** A text that states a fact. */
    static Sample text(String id, String fact, String text) {
        Sample document = Sample.document(id, text);
        return new Sample(id, document.conversation(), List.of(), null, Map.of(Sample.DOCUMENT, text, "fact", fact));
    }

    /** A question about a fact. */
    static Sample question(String id, String fact, String question, String answer) {
        return new Sample(id, List.of(Message.user(question), Message.assistant(answer)), List.of(), answer,
                Map.of("fact", fact));
    }
}
