package org.finetune4j.tokenizer;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Turns conversations into tokens and marks those that a model is to learn.
 *
 * <p>The conversation is rendered once and tokenized once; the marks come from character ranges. Where an assistant's words
 * are is found by rendering again with a marker in their place, and where the model begins to speak by rendering the turns
 * before it with a generation prompt, so that training and generation part text at the same character. A token is marked if
 * it holds at least one character to be learned: one that the tokenizer merged across the border belongs to the response,
 * because otherwise the response's first characters would never be learned.
 *
 * <p>An object may be used by several threads.
 */
public final class ConversationEncoder {
    /** Characters for private use, of which at least one is in no text. */
    private static final int FIRST_MARKER = 0xe000;
    private static final int LAST_MARKER = 0xf8ff;

    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final boolean promptsGeneration;

    /**
     * Makes an encoder.
     *
     * @throws ChatTemplateException if the template cannot render even one turn of a user
     */
    public ConversationEncoder(Tokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
        Conversation question = Conversation.of(Message.user("question"));
        this.promptsGeneration = !template.render(question, true).equals(template.render(question, false));
    }

    /**
     * Encodes a prompt for generation: the conversation so far and the beginning of the assistant's turn.
     *
     * @throws ConversationException if there is no message, or the text begins with two tokens for its beginning
     * @throws ChatTemplateException if the template refuses the conversation
     */
    public int[] encodePrompt(Conversation conversation) {
        requireMessages(conversation.messages());
        return tokenize(template.render(conversation, true)).ids();
    }

    /**
     * Encodes a conversation for training.
     *
     * @param conversation the turns in order, and the tools
     * @param turns what is to be learned
     * @throws ConversationException if there is no response or an empty one, or the template does not end a response with a
     *     special token (a model trained so would never stop)
     * @throws ChatTemplateException if the template refuses the conversation
     */
    public EncodedConversation encode(Conversation conversation, Turns turns) {
        requireMessages(conversation.messages());
        String text = template.render(conversation, false);
        TokenizedText tokens = tokenize(text);
        boolean[] supervised = new boolean[tokens.length()];
        if (turns == Turns.ALL_TEXT) {
            Arrays.fill(supervised, true);
            return new EncodedConversation(tokens.ids(), supervised);
        }
        for (int index : responses(conversation.messages(), turns)) {
            mark(conversation, index, text, tokens, supervised);
        }
        return new EncodedConversation(tokens.ids(), supervised);
    }

    /**
     * Returns the tokens at which generation stops: the tokenizer's end token and the token that ends a turn in this
     * template, which is often another one.
     *
     * @throws ConversationException if the template does not end a response with a special token
     */
    public Set<Integer> stopTokenIds() {
        EncodedConversation probe = encode(Conversation.of(Message.user("question"), Message.assistant("answer")), Turns.LAST);
        int last = probe.length() - 1;
        while (!probe.supervised()[last]) {
            last--;
        }
        Set<Integer> stops = new LinkedHashSet<>(List.of(probe.ids()[last]));
        tokenizer.endTokenId().ifPresent(stops::add);
        return stops;
    }

    private static void requireMessages(List<Message> messages) {
        if (messages.isEmpty()) {
            throw new ConversationException("the conversation has no message. Give at least one turn of a user.");
        }
    }

    private static List<Integer> responses(List<Message> messages, Turns turns) {
        List<Integer> responses = IntStream.range(0, messages.size()).filter(i -> messages.get(i).isAssistant())
            .boxed().toList();
        if (responses.isEmpty()) {
            throw new ConversationException("the conversation of " + messages.size() + " messages has no response: no"
                + " message has the role 'assistant'. Add one, or leave the sample out.");
        }
        List<Integer> learned = turns == Turns.LAST ? responses.subList(responses.size() - 1, responses.size())
            : responses;
        for (int index : learned) {
            if (messages.get(index).text().isBlank()) {
                throw new ConversationException("the response at message index " + index + " is empty. Give it a"
                    + " content, or leave the sample out.");
            }
        }
        return learned;
    }

    private TokenizedText tokenize(String text) {
        // The template brings its own token for the beginning, so the tokenizer must not add another one.
        TokenizedText tokens = tokenizer.encode(text, false);
        OptionalInt begin = tokenizer.beginTokenId();
        int[] ids = tokens.ids();
        if (begin.isPresent() && ids.length > 1 && ids[0] == begin.getAsInt() && ids[1] == begin.getAsInt()) {
            throw new ConversationException("the text begins with two '" + tokenizer.beginToken() + "' tokens: the"
                + " template and the first message both bring one. Take it out of the message.");
        }
        return tokens;
    }

    private void mark(Conversation messages, int index, String text, TokenizedText tokens, boolean[] supervised) {
        int[] content = contentRange(messages, index, text);
        int start = startOfSpeech(messages, index, text, content[0]);
        int last = endOfTurn(tokens, text, content[1], index);
        for (int i = 0; i <= last; i++) {
            int[] span = tokens.spans()[i];
            boolean holdsCharacter = span[0] < span[1] ? span[1] > start : span[0] >= start;
            supervised[i] |= holdsCharacter;
        }
    }

    /** Finds the characters of a response in the text, by rendering it with a marker in the response's place. */
    private int[] contentRange(Conversation messages, int index, String text) {
        String marker = markerNotIn(text);
        String other = template.render(messages.withMessage(index, messages.messages().get(index).withContent(marker)), false);
        int at = other.indexOf(marker);
        if (at < 0 || at != other.lastIndexOf(marker)) {
            throw new ConversationException("the template " + template.origin() + (at < 0 ? " leaves out" : " repeats")
                + " the response at message index " + index + ". Train the last turn only, or use another template.");
        }
        String before = other.substring(0, at);
        String after = other.substring(at + marker.length());
        if (!text.startsWith(before) || !text.endsWith(after) || before.length() + after.length() > text.length()) {
            throw new ConversationException("the template " + template.origin() + " changes other text with the response"
                + " at message index " + index + ", so its place cannot be found. Use another template.");
        }
        return new int[] {before.length(), text.length() - after.length()};
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
     * Returns where the model takes over. That is behind the generation prompt; a template without one leaves the role
     * header to the prompt and the blanks behind it to the model.
     */
    private int startOfSpeech(Conversation messages, int index, String text, int contentStart) {
        String prompt = promptOf(messages.upTo(index));
        if (prompt == null || !text.startsWith(prompt)) {
            return contentStart;
        }
        boolean blank = prompt.length() <= contentStart && text.substring(prompt.length(), contentStart).isBlank();
        return promptsGeneration || blank ? prompt.length() : contentStart;
    }

    private @Nullable String promptOf(Conversation before) {
        try {
            return template.render(before, true);
        } catch (ChatTemplateException e) {
            // Some templates refuse a beginning that has no user's turn yet; the content's own start serves then.
            return null;
        }
    }

    /** Returns the index of the token that ends a turn: the first one behind the content, blanks left aside. */
    private int endOfTurn(TokenizedText tokens, String text, int contentEnd, int index) {
        for (int i = 0; i < tokens.length(); i++) {
            int[] span = tokens.spans()[i];
            if (span[1] <= contentEnd) {
                continue;
            }
            if (tokenizer.isAddedToken(tokens.ids()[i])) {
                return i;
            }
            if (span[0] >= contentEnd && !text.substring(span[0], span[1]).isBlank()) {
                break;
            }
        }
        throw new ConversationException("the template " + template.origin() + " does not end the response at message index "
            + index + " with a special token, so a model would never learn to stop. Put {{ eos_token }} behind the content"
            + " in the template, or choose another one, such as ChatTemplate.chatMl().");
    }
}
