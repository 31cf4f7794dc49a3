package org.finetune4j.generation.structure;

import java.util.Set;
import java.util.stream.Collectors;
import org.finetune4j.tokenizer.Tokenizer;

/** The bytes of a tokenizer's tokens, laid out once for all the forms that text is held to. */
public final class TokenVocabulary {
    private final byte[][] bytes;
    private final TokenTrie trie;

    TokenVocabulary(byte[][] bytes) {
        this.bytes = bytes;
        this.trie = new TokenTrie(bytes);
    }

    /**
     * The vocabulary of a tokenizer, which takes a moment to lay out.
     *
     * @throws org.finetune4j.tokenizer.TokenizerException when its tokens cannot be told as bytes
     */
    public static TokenVocabulary of(Tokenizer tokenizer) {
        return new TokenVocabulary(tokenizer.tokenBytes());
    }

    /** Those of some tokens that are text. */
    public Set<Integer> texts(Set<Integer> tokens) {
        return tokens.stream().filter(token -> token < bytes.length && bytes[token] != null)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** The bytes of each token by its id; null for those that are no text, such as special tokens. */
    byte[][] bytes() {
        return bytes;
    }

    TokenTrie trie() {
        return trie;
    }
}
