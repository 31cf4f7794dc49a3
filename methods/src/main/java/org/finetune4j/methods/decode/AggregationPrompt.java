package org.finetune4j.methods.decode;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.generate.TextWindow;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;

/**
 * How drafts are shown beside a question, which stays as it is to the byte: in a system turn before it, or, for
 * templates without that role, before the first user turn's own words.
 *
 * @param systemRole whether the chat template has a system turn
 */
public record AggregationPrompt(boolean systemRole) {
    /** What comes before the drafts. */
    public static final String ROLE = "You are given several draft answers to the user's question. Read them "
            + "critically: any of "
            + "them may be wrong or biased. Do not merely copy one, but write one answer of your own that is right, "
            + "accurate and "
            + "well put.\nResponses from models:";

    private static final String NONE = "\n";

    /** The question alone, as a draft of it is asked for. */
    public Conversation plain(Conversation question) {
        return with(question, NONE);
    }

    /** The question with drafts, numbered from 1. */
    public Conversation of(Conversation question, List<String> drafts) {
        StringBuilder text = new StringBuilder(ROLE);
        for (int i = 0; i < drafts.size(); i++) {
            text.append('\n').append(i + 1).append(". ").append(drafts.get(i));
        }
        return with(question, text.toString());
    }

    private Conversation with(Conversation question, String shown) {
        List<Message> turns = new ArrayList<>(question.messages());
        boolean hasSystem = !turns.isEmpty() && "system".equals(turns.get(0).role());
        if (hasSystem || systemRole) {
            // A template takes one system turn, so that one that is there already is joined.
            Message old = hasSystem ? turns.remove(0) : null;
            turns.add(0, Message.system(old == null ? shown : shown.isBlank() ? old.text() : shown + "\n\n"
                    + old.text()));
        } else if (!shown.isBlank()) {
            int first = 0;
            while (first < turns.size() && !"user".equals(turns.get(first).role())) {
                first++;
            }
            if (first == turns.size()) {
                throw new FinetuneException("drafts cannot be shown: the conversation has no user turn. Give it one.");
            }
            turns.set(first, turns.get(first).withContent(shown + "\n\n" + turns.get(first).text()));
        }
        return question.withMessages(turns);
    }

    /**
     * Drafts cut to their beginnings where all together do not fit, each to as many tokens as any other.
     *
     * @param room tokens that prompt and answer must leave free besides, such as those of the answer
     * @throws FinetuneException when not a token of each draft fits
     */
    public List<String> fitting(Conversation question, List<String> drafts, int room, TextWindow window) {
        int fixed = window.count().applyAsInt(ROLE) + question.messages().stream().mapToInt(turn ->
                window.count().applyAsInt(turn.text())).sum();
        if (fixed + room + drafts.stream().mapToInt(window.count()).sum() <= window.tokens()) {
            return drafts;
        }
        int cap = cap(window.tokens(), window.count().applyAsInt(ROLE), fixed - window.count().applyAsInt(ROLE), room,
                drafts.size());
        return drafts.stream().map(draft -> window.count().applyAsInt(draft) <= cap ? draft
                : window.first().apply(draft, cap)).toList();
    }

    /**
     * The most tokens of each draft.
     *
     * @param window   tokens of the model's context
     * @param frame    tokens of what stands around the drafts
     * @param question tokens of the question
     * @param answer   tokens of the longest answer
     * @param drafts   how many there are
     * @throws FinetuneException when that is less than one
     */
    public static int cap(int window, int frame, int question, int answer, int drafts) {
        int cap = Math.floorDiv(window - frame - question - answer, drafts);
        if (cap < 1) {
            throw new FinetuneException("a context of " + window + " tokens leaves no room for " + drafts
                    + " drafts beside "
                    + frame + " tokens around them, a question of " + question + " and an answer of up to " + answer
                    + ". Ask for fewer drafts or a shorter answer.");
        }
        return cap;
    }
}
