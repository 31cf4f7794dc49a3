package org.finetune4j.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * Finds the characters of a rendered conversation that the model says in one turn, by rendering it again.
 *
 * <p>The model takes over where the conversation so far with a generation prompt ends. If that is the beginning of the
 * whole text, as with most templates, it is exact. Templates that show an earlier turn otherwise than a last one
 * (without its reasoning, say) are rendered with a marker in the turn's place: what is equal before and behind does not
 * belong to it, and the header in front is recognised by what stands behind the turn before, in the prompt and in the
 * whole text.
 */
final class TurnFinder {
    /** Characters for private use, of which at least one is in no text. */
    private static final int FIRST_MARKER = 0xe000;
    private static final int LAST_MARKER = 0xf8ff;

    private final ChatTemplate template;
    private final boolean promptsGeneration;
    private final Conversation conversation;
    private final String text;
    private final String marker;

    /**
     * The characters of one turn.
     *
     * @param start where the model takes over
     * @param contentStart where what the turn gives begins
     * @param contentEnd behind the last character that the turn gives; the end of the turn follows
     */
    record Range(int start, int contentStart, int contentEnd) {}

    TurnFinder(ChatTemplate template, boolean promptsGeneration, Conversation conversation, String text) {
        this.template = template;
        this.promptsGeneration = promptsGeneration;
        this.conversation = conversation;
        this.text = text;
        this.marker = markerNotIn(text);
    }

    private static String markerNotIn(String text) {
        for (char marker = FIRST_MARKER; marker <= LAST_MARKER; marker++) {
            if (text.indexOf(marker) < 0) {
                return String.valueOf(marker);
            }
        }
        throw new ConversationException("the conversation uses every character for private use, and one is needed to find"
            + " the responses. Take such characters out.");
    }

    /**
     * Finds a turn of the assistant.
     *
     * @throws ConversationException if the template leaves it out, repeats it, or changes other text with it
     */
    Range find(int index) {
        String prompt = renderOrNull(conversation.upTo(index), true);
        String whole = index + 1 == conversation.messages().size() ? text : renderOrNull(conversation.upTo(index + 1), false);
        if (whole != null && text.startsWith(whole)) {
            // Up to this turn all is shown as if the conversation ended here, where later turns cannot be in the way.
            return range(conversation.upTo(index + 1), whole, prompt, index);
        }
        return range(conversation, text, prompt, index);
    }

    private Range range(Conversation shown, String view, @Nullable String prompt, int index) {
        String marked = renderMarked(shown, index);
        int at = marked.indexOf(marker);
        if (at < 0 || at != marked.lastIndexOf(marker)) {
            throw refused((at < 0 ? "leaves out" : "repeats") + " the response at message index " + index
                + ". Train the last turn only, or use another template");
        }
        // Neither can reach over the marker, which the text does not hold.
        int before = commonPrefix(view, marked);
        int behind = Math.min(commonSuffix(view, marked), view.length() - before);
        int contentStart = before;
        int contentEnd = view.length() - behind;
        boolean plain = conversation.messages().get(index).toolCalls().isEmpty();
        if (plain && behind < marked.length() - at - 1) {
            throw changed(index);
        }
        int start = start(shown, view, prompt, index, contentStart);
        if (start > contentStart && contentStart < at) {
            throw changed(index);
        }
        // The response may begin with what the prompt brings already, such as a thought that is opened.
        return new Range(start, Math.max(start, contentStart), Math.max(start, contentEnd));
    }

    private String renderMarked(Conversation shown, int index) {
        Message plain = Message.assistant(marker).withName(conversation.messages().get(index).name());
        try {
            return template.render(shown.withMessage(index, plain), false);
        } catch (ChatTemplateException e) {
            throw refused("does not let the place of the response at message index " + index + " be found ("
                + e.getMessage() + ") Train the last turn only, or use another template");
        }
    }

    private int start(Conversation shown, String view, @Nullable String prompt, int index, int contentStart) {
        if (prompt == null) {
            return contentStart;
        }
        int start;
        if (view.startsWith(prompt)) {
            start = prompt.length();
        } else {
            int[] after = {behindTurnBefore(shown, view, index - 1, false),
                behindTurnBefore(conversation.upTo(index), prompt, index - 1, true)};
            if (after[0] < 0 || after[1] < 0) {
                after = new int[2];
            }
            String header = prompt.substring(after[1]);
            String window = view.substring(after[0], Math.max(after[0], contentStart));
            start = after[0] + Math.max(commonPrefix(header, window), generationPrompt(prompt, index, window));
        }
        // A template without a generation prompt leaves the role header to the prompt and the blanks behind it to the model.
        boolean blank = start <= contentStart && view.substring(start, contentStart).isBlank();
        return promptsGeneration || blank || start > contentStart ? start : contentStart;
    }

    /**
     * Returns where the generation prompt ends in what stands between two turns, as much of it as is there: a template
     * may print the end of a tool's last answer otherwise than of one that is followed.
     */
    private int generationPrompt(String prompt, int index, String window) {
        String without = renderOrNull(conversation.upTo(index), false);
        String added = without == null ? "" : prompt.substring(commonPrefix(prompt, without));
        for (int length = added.length(); length > 0; length--) {
            int at = window.lastIndexOf(added.substring(0, length));
            if (at >= 0) {
                return at + length;
            }
        }
        return 0;
    }

    /** Returns where the text of an earlier turn ends in a view, or -1 if that cannot be told. */
    private int behindTurnBefore(Conversation shown, String view, int index, boolean prompt) {
        if (index < 0) {
            return -1;
        }
        Message message = shown.messages().get(index);
        String other = renderOrNull(shown.withMessage(index, message.withContent(marker)), prompt);
        if (other == null || other.indexOf(marker) < 0 || other.indexOf(marker) != other.lastIndexOf(marker)) {
            return -1;
        }
        int behind = commonSuffix(view, other);
        return behind == other.length() - other.indexOf(marker) - 1 ? view.length() - behind : -1;
    }

    private @Nullable String renderOrNull(Conversation some, boolean addGenerationPrompt) {
        try {
            return template.render(some, addGenerationPrompt);
        } catch (ChatTemplateException e) {
            // Some templates refuse a beginning that has no user's turn yet; other ways of finding the place are left.
            return null;
        }
    }

    private static int commonPrefix(String left, String right) {
        int end = Math.min(left.length(), right.length());
        int at = 0;
        while (at < end && left.charAt(at) == right.charAt(at)) {
            at++;
        }
        return at;
    }

    private static int commonSuffix(String left, String right) {
        int end = Math.min(left.length(), right.length());
        int at = 0;
        while (at < end && left.charAt(left.length() - 1 - at) == right.charAt(right.length() - 1 - at)) {
            at++;
        }
        return at;
    }

    private ConversationException changed(int index) {
        return refused("changes other text with the response at message index " + index
            + ", so its place cannot be found. Use another template");
    }

    private ConversationException refused(String reason) {
        return new ConversationException("the template " + template.origin() + " " + reason + ".");
    }
}
