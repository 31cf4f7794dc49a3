package org.finetune4j.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * One training example before it is encoded.
 *
 * @param id           stable name for messages and provenance: file name and line number, such as {@code
 *                     train.jsonl:17}
 * @param conversation the turns with their tools; for prompt-and-response data one user turn and one assistant turn;
 *                     when {@code candidates} is not empty it ends with the user's turn; without a turn for a plain
 *                     document
 * @param candidates   alternative responses to the last user turn, of which a selector chooses; empty when there is no
 *                     choice
 * @param answer       the reference answer for evaluation, or null
 * @param fields       all other fields of the record as text
 * @param provenance   where it came from
 */
public record Sample(String id, Conversation conversation, List<Candidate> candidates, @Nullable String answer,
                     Map<String, String> fields, Provenance provenance) implements Row {
    /** Keeps immutable copies. */
    public Sample {
        candidates = List.copyOf(candidates);
        fields = Map.copyOf(fields);
    }

    /** A sample whose conversation has no tools and sets nothing of the template. */
    public Sample(String id, List<Message> messages, List<Candidate> candidates, @Nullable String answer,
                  Map<String, String> fields) {
        this(id, Conversation.of(messages), candidates, answer, fields);
    }

    /** A sample whose source is what its id names. */
    public Sample(String id, Conversation conversation, List<Candidate> candidates, @Nullable String answer,
                  Map<String, String> fields) {
        this(id, conversation, candidates, answer, fields, Provenance.ofId(id));
    }

    /** The turns of the conversation, in order. */
    public List<Message> messages() {
        return conversation.messages();
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
        return messages().isEmpty() && fields.containsKey(DOCUMENT);
    }

    /** The response to be learned: the final assistant turn, or null when the conversation does not end with one. */
    public @Nullable String response() {
        Message last = messages().isEmpty() ? null : messages().get(messages().size() - 1);
        return last != null && last.isAssistant() ? last.text() : null;
    }

    /** The conversation up to and with the last turn that is not the final assistant turn. */
    @Override
    public List<Message> prompt() {
        List<Message> messages = messages();
        int last = messages.size();
        return last > 0 && messages.get(last - 1).isAssistant() ? messages.subList(0, last - 1) : messages;
    }

    /** The conversation up to and with the last turn that is not the final assistant turn, with its tools. */
    public Conversation promptConversation() {
        return conversation.withMessages(prompt());
    }

    /** This sample with one chosen response as its final assistant turn and no candidates. */
    public Sample withResponse(String response) {
        return withResponse(Message.assistant(response));
    }

    /** This sample with another final assistant turn, with all that it thinks and calls, and no candidates. */
    public Sample withResponse(Message response) {
        List<Message> turns = new ArrayList<>(prompt());
        turns.add(response);
        return new Sample(id, conversation.withMessages(turns), List.of(), answer, fields, provenance);
    }

    /** This sample under another name. */
    public Sample withId(String other) {
        return new Sample(other, conversation, candidates, answer, fields, provenance);
    }

    /** This sample with other candidate responses. */
    public Sample withCandidates(List<Candidate> others) {
        return new Sample(id, conversation, others, answer, fields, provenance);
    }

    /** This sample under another name. */
    public Sample named(String name) {
        return new Sample(name, conversation, candidates, answer, fields, provenance);
    }

    @Override
    public Sample placed(String path) {
        return new Sample(id, conversation, candidates, answer, fields, provenance.placed(path));
    }

    @Override
    public Sample tagged(String tag) {
        return new Sample(id, conversation, candidates, answer, fields, provenance.tagged(tag));
    }

    /** This sample, said to be made of the one with this id. */
    public Sample madeOf(String origin) {
        return new Sample(id, conversation, candidates, answer, fields, provenance.madeOf(origin));
    }
}
