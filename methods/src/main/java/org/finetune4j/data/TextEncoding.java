package org.finetune4j.data;

import java.util.Arrays;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.tokenizer.ChatTemplate;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.ConversationEncoder;
import org.finetune4j.tokenizer.EncodedConversation;
import org.finetune4j.tokenizer.StopTokens;
import org.finetune4j.tokenizer.Supervision;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Encodes samples by a tokenizer: conversations through a chat template, of which the assistant's turns with their end
 * tokens are learned; plain documents as they are and with the end token, of which everything is learned.
 */
public final class TextEncoding implements SampleEncoding {
    private final Tokenizer tokenizer;
    private final @Nullable String jinja;
    private final Supervision supervision;
    private final int rows;
    private @Nullable ConversationEncoder conversations;

    /**
     * An encoding.
     *
     * @param tokenizer    stays open as long as this is used; the caller closes it
     * @param chatTemplate a Jinja template, or null for the tokenizer's own, which is not asked for before it is needed
     */
    public TextEncoding(Tokenizer tokenizer, @Nullable String chatTemplate) {
        this(tokenizer, chatTemplate, Supervision.ASSISTANT, tokenizer.vocabularySize());
    }

    /**
     * An encoding for a model.
     *
     * @param supervision which tokens of conversations are learned
     * @param rows        of the model's embedding; a text with a token beyond them is refused
     */
    public TextEncoding(Tokenizer tokenizer, @Nullable String chatTemplate, Supervision supervision, int rows) {
        this.tokenizer = tokenizer;
        this.supervision = supervision;
        this.rows = rows;
        this.jinja = chatTemplate;
    }

    @Override
    public Example encode(Sample sample) {
        if (sample.isDocument()) {
            return document(sample);
        }
        if (sample.response() == null) {
            throw new FinetuneException(sample.id() + " has no response to learn"
                    + (sample.candidates().isEmpty() ? ". Add one, or leave the sample out."
                    : ": its candidates were not chosen from. Add a selector, or keep one response a sample."));
        }
        try {
            EncodedConversation encoded = conversations().encode(sample.conversation(), supervision);
            return new Example(sample.id(), withRows(encoded.ids()), encoded.supervised());
        } catch (RuntimeException e) {
            throw named(sample, e);
        }
    }

    /**
     * A conversation with the beginning of the assistant's next turn.
     *
     * @param id named in messages
     */
    public int[] prompt(String id, Conversation conversation) {
        try {
            return withRows(conversations().encodePrompt(conversation));
        } catch (RuntimeException e) {
            throw new FinetuneException(id + ": " + e.getMessage(), e);
        }
    }

    /**
     * A text that differs when the same sample may give other tokens or marks: over the vocabulary, the template, and what is
     * learned, and over nothing else but how many rows there are where that refuses texts.
     */
    public String fingerprint() {
        return tokenizer.conversationHash(jinja) + " learns " + supervision
                + (rows < tokenizer.vocabularySize() ? " within " + rows + " rows" : "");
    }

    /** The tokens that end a generated turn. */
    public Set<Integer> stopIds() {
        return stopTokens().ids();
    }

    /** The tokens that end a generated turn, with who names them; it prints as one line. */
    public StopTokens stopTokens() {
        return conversations().stopTokens();
    }

    private Example document(Sample sample) {
        String text = sample.fields().getOrDefault(Sample.DOCUMENT, "");
        int[] ids;
        try {
            ids = withRows(tokenizer.encode(text, true).ids());
        } catch (RuntimeException e) {
            throw named(sample, e);
        }
        if (tokenizer.endTokenId().isPresent() && (ids.length == 0
                || ids[ids.length - 1] != tokenizer.endTokenId().getAsInt())) {
            ids = Arrays.copyOf(ids, ids.length + 1);
            ids[ids.length - 1] = tokenizer.endTokenId().getAsInt();
        }
        boolean[] supervised = new boolean[ids.length];
        Arrays.fill(supervised, true);
        return new Example(sample.id(), ids, supervised);
    }

    private int[] withRows(int[] ids) {
        for (int id : ids) {
            if (id >= rows) {
                throw new FinetuneException("it holds the token '" + tokenizer.decode(new int[] {id}, false) + "' with the id "
                        + id + ", for which the model's embedding of " + rows + " rows has none. Leave it out of the text.");
            }
        }
        return ids;
    }

    private static FinetuneException named(Sample sample, RuntimeException cause) {
        return new FinetuneException(sample.id() + ": " + cause.getMessage(), cause);
    }

    private synchronized ConversationEncoder conversations() {
        if (conversations == null) {
            conversations = new ConversationEncoder(tokenizer, jinja == null ? tokenizer.chatTemplate()
                    : ChatTemplate.of(jinja, "the recipe's chat template", tokenizer.specialTokens()));
        }
        return conversations;
    }
}
