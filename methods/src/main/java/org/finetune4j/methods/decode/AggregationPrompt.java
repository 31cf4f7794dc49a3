package org.finetune4j.methods.decode;

import java.util.ArrayList;
import java.util.Collections;
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
     * @param room tokens that the prompt must leave free, such as those of the answer
     * @throws FinetuneException when not a token of each draft fits
     */
    public List<String> fitting(Conversation question, List<String> drafts, int room, TextWindow window) {
        if (window.asked().applyAsInt(of(question, drafts)) + room <= window.tokens()) {
            return drafts;
        }
        // Pieces may be counted otherwise beside one another than alone.
        for (int cap = cap(question, drafts.size(), room, window); cap >= 1; cap--) {
            int most = cap;
            List<String> cut = drafts.stream().map(draft -> window.count().applyAsInt(draft) <= most ? draft
                    : window.first().apply(draft, most)).toList();
            if (window.asked().applyAsInt(of(question, cut)) + room <= window.tokens()) {
                return cut;
            }
        }
        throw noRoom(window.tokens(), drafts.size(), window.asked().applyAsInt(of(question, empty(drafts.size()))), room);
    }

    /**
     * The most tokens of each draft beside a question.
     *
     * @throws FinetuneException when that is less than one
     */
    public int cap(Conversation question, int drafts, int room, TextWindow window) {
        return cap(window.tokens(), window.asked().applyAsInt(of(question, empty(drafts))), room, drafts);
    }

    private static List<String> empty(int drafts) {
        return Collections.nCopies(drafts, "");
    }

    /**
     * The most tokens of each draft.
     *
     * @param window tokens of the model's context
     * @param frame  tokens of the question and of what stands around the drafts
     * @param answer tokens of the longest answer
     * @param drafts how many there are
     * @throws FinetuneException when that is less than one
     */
    static int cap(int window, int frame, int answer, int drafts) {
        int cap = Math.floorDiv(window - frame - answer, drafts);
        if (cap < 1) {
            throw noRoom(window, drafts, frame, answer);
        }
        return cap;
    }

    private static FinetuneException noRoom(int window, int drafts, int frame, int answer) {
        return new FinetuneException("a context of " + window + " tokens leaves no room for " + drafts + " drafts beside "
                + frame + " tokens of the question and of what stands around them, and an answer of up to " + answer
                + ". Ask for fewer drafts or a shorter answer.");
    }
}
