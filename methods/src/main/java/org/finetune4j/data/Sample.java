package org.finetune4j.data;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One training example before it is encoded.
 *
 * @param id        stable name for messages and provenance: file name and line number, such as {@code train.jsonl:17}
 * @param messages  the conversation; for prompt-and-response data one user turn and one assistant turn; when
 *                  {@code candidates} is not empty it ends with the user's turn; empty for a plain document
 * @param candidates alternative responses to the last user turn, of which a selector chooses; empty when there is no choice
 * @param answer    the reference answer for evaluation, or null
 * @param fields    all other fields of the record as text
 */
public record Sample(String id, List<Message> messages, List<Candidate> candidates, @Nullable String answer,
                     Map<String, String> fields) {
    /** Keeps immutable copies. */
    public Sample {
        messages = List.copyOf(messages);
        candidates = List.copyOf(candidates);
        fields = Map.copyOf(fields);
    }

    /** One turn of a conversation; roles are {@code system}, {@code user}, {@code assistant}, {@code tool}. */
    public record Message(String role, String content) {
    }

    /** One candidate response and where it came from. */
    public record Candidate(String text, String source) {
    }

    /** The name in {@link #fields} under which a plain document keeps its text. */
    public static final String DOCUMENT = "text";

    /** A plain text without turns, all of which is learned. */
    public static Sample document(String id, String text) {
        return new Sample(id, List.of(), List.of(), null, Map.of(DOCUMENT, text));
    }

    /** Whether this is a plain text without turns. */
    public boolean isDocument() {
        return messages.isEmpty() && fields.containsKey(DOCUMENT);
    }

    /** The response to be learned: the final assistant turn, or null when the conversation does not end with one. */
    public @Nullable String response() {
        Message last = messages.isEmpty() ? null : messages.get(messages.size() - 1);
        return last != null && last.role().equals("assistant") ? last.content() : null;
    }

    /** The conversation up to and with the last turn that is not the final assistant turn. */
    public List<Message> prompt() {
        int last = messages.size();
        return last > 0 && messages.get(last - 1).role().equals("assistant") ? messages.subList(0, last - 1) : messages;
    }

    /** This sample with one chosen response as its final assistant turn and no candidates. */
    public Sample withResponse(String response) {
        List<Message> turns = new java.util.ArrayList<>(prompt());
        turns.add(new Message("assistant", response));
        return new Sample(id, turns, List.of(), answer, fields);
    }
}
