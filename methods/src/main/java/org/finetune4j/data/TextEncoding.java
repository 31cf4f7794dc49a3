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
    private @Nullable ConversationEncoder conversations;

    /**
     * An encoding.
     *
     * @param tokenizer    stays open as long as this is used; the caller closes it
     * @param chatTemplate a Jinja template, or null for the tokenizer's own, which is not asked for before it is needed
     */
    public TextEncoding(Tokenizer tokenizer, @Nullable String chatTemplate) {
        this(tokenizer, chatTemplate, Supervision.ASSISTANT);
    }

    /** An encoding that marks other tokens of conversations than every turn of the assistant with its end. */
    public TextEncoding(Tokenizer tokenizer, @Nullable String chatTemplate, Supervision supervision) {
        this.tokenizer = tokenizer;
        this.supervision = supervision;
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
            return new Example(sample.id(), encoded.ids(), encoded.supervised());
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
            return conversations().encodePrompt(conversation);
        } catch (RuntimeException e) {
            throw new FinetuneException(id + ": " + e.getMessage(), e);
        }
    }

    /**
     * A text that differs when the same sample may give other tokens or marks: over the vocabulary, the template, and what is
     * learned, and over nothing else.
     */
    public String fingerprint() {
        return tokenizer.conversationHash(jinja) + " learns " + supervision;
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
            ids = tokenizer.encode(text, true).ids();
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
