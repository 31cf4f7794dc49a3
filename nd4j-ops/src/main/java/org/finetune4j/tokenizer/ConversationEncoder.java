package org.finetune4j.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.finetune4j.jinja.JinjaTemplate.Rendering;

/**
 * Turns conversations into tokens and marks those that a model is to learn.
 *
 * <p>The conversation is rendered once and tokenized once; the marks come from character ranges, so that a token's
 * place counts and never its id. Where the model's words are is found by rendering again without them (see {@link
 * TurnFinder}), so that training and generation part text at the same character. A token is marked if it holds at least
 * one character to be learned: one that the tokenizer merged across the border belongs to the response, because
 * otherwise the response's first characters would never be learned. An added token belongs where its own text is,
 * whatever blanks beside it it took in ({@code lstrip}, {@code rstrip}). Where a template marks the model's words itself
 * by {@code {% generation %}}, its marks decide, and must enclose the response; what a generation prompt brings is never
 * learned.
 *
 * <p>An object may be used by several threads.
 */
public final class ConversationEncoder {
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
        requireMessages(conversation);
        return tokenize(template.render(conversation, true)).ids();
    }

    /**
     * Encodes a conversation for training.
     *
     * @param conversation the turns in order, and the tools
     * @param supervision what is to be learned
     * @throws ConversationException if there is no response or an empty one, the template hides or repeats it, no token
     *     is left to learn, or the template does not end a response with a special token (a model trained so would
     *     never stop)
     * @throws ChatTemplateException if the template refuses the conversation
     */
    public EncodedConversation encode(Conversation conversation, Supervision supervision) {
        requireMessages(conversation);
        Rendering rendering = template.renderMarked(conversation, false);
        TokenizedText tokens = withoutBlanks(tokenize(rendering.text()), rendering.text());
        boolean[] supervised = new boolean[tokens.length()];
        if (supervision.turns() == Turns.ALL_TEXT) {
            Arrays.fill(supervised, true);
        } else {
            TurnFinder finder = new TurnFinder(template, promptsGeneration, conversation, rendering.text());
            for (int index : responses(conversation.messages(), supervision.turns())) {
                mark(finder.find(index), index, rendering, tokens, supervision, supervised);
            }
        }
        requireMarks(supervised);
        return new EncodedConversation(tokens.ids(), supervised);
    }

    /**
     * Returns the tokens at which generation stops: the token that ends a turn in this template, the tokenizer's end
     * token, which is often another one, and those that {@code generation_config.json} beside the tokenizer names.
     *
     * @throws ConversationException if the template does not end a response with a special token
     * @throws TokenizerException if {@code generation_config.json} names a token that the tokenizer does not have
     */
    public StopTokens stopTokens() {
        EncodedConversation probe = encode(Conversation.of(Message.user("question"), Message.assistant("answer")),
            Supervision.LAST);
        int last = probe.length() - 1;
        while (!probe.supervised()[last]) {
            last--;
        }
        return StopTokens.of(tokenizer, probe.ids()[last]);
    }

    private static void requireMessages(Conversation conversation) {
        if (conversation.messages().isEmpty()) {
            throw new ConversationException("the conversation has no message. Give at least one turn of a user.");
        }
    }

    /** The first token is never predicted, so its mark alone teaches nothing. */
    private static void requireMarks(boolean[] supervised) {
        for (int i = 1; i < supervised.length; i++) {
            if (supervised[i]) {
                return;
            }
        }
        throw new ConversationException("of " + supervised.length + " tokens none is to be learned: what the responses say,"
            + " the template does not show. Give them a text that it shows, or leave the sample out.");
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
            if (messages.get(index).isEmpty()) {
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

    /** Leaves out of the ranges of added tokens the blanks that they took in, unless they are nothing else. */
    private TokenizedText withoutBlanks(TokenizedText tokens, String text) {
        int[][] spans = tokens.spans().clone();
        for (int i = 0; i < spans.length; i++) {
            int start = spans[i][0];
            int end = spans[i][1];
            if (start < end && tokenizer.isAddedToken(tokens.ids()[i])) {
                while (start < end && isBlank(text.charAt(start))) {
                    start++;
                }
                while (end > start && isBlank(text.charAt(end - 1))) {
                    end--;
                }
                spans[i] = start < end ? new int[] {start, end} : spans[i];
            }
        }
        return new TokenizedText(tokens.ids(), spans);
    }

    /** What the tokenizer takes for white space, the blanks without a line break included. */
    private static boolean isBlank(char character) {
        return Character.isWhitespace(character) || Character.isSpaceChar(character) || character == '\u0085';
    }

    private void mark(TurnFinder.Range range, int index, Rendering rendering, TokenizedText tokens,
            Supervision supervision, boolean[] supervised) {
        int start = range.start();
        if (range.contentEnd() <= start) {
            throw new ConversationException("the template " + template.origin() + " shows nothing of the response at message"
                + " index " + index + ". Give it a text that the template shows, or leave the sample out.");
        }
        if (!rendering.generations().isEmpty()) {
            start = Math.max(start, generation(range, index, rendering)[0]);
        }
        int endToken = supervision.endOfTurn() ? endOfTurn(tokens, rendering.text(), range.contentEnd(), index)
            : tokens.length() - 1;
        for (int i = 0; i <= endToken; i++) {
            int[] span = tokens.spans()[i];
            boolean behindStart = span[0] < span[1] ? span[1] > start : span[0] >= start;
            boolean beforeEnd = supervision.endOfTurn() || span[0] < range.contentEnd();
            supervised[i] |= behindStart && beforeEnd;
        }
    }

    /** Returns what the template itself marks of a response. */
    private int[] generation(TurnFinder.Range range, int index, Rendering rendering) {
        for (int[] generation : rendering.generations()) {
            if (generation[0] <= range.contentStart() && generation[1] >= range.contentEnd()) {
                return generation;
            }
        }
        throw new ConversationException("the template " + template.origin() + " marks by {% generation %} something else than"
            + " the response at message index " + index + ". Let the tag enclose the response, or take it out.");
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
