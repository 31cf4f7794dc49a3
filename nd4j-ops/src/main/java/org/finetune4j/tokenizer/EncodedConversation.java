package org.finetune4j.tokenizer;

/**
 * A conversation as tokens, with a mark at each token that is to be learned. It owns its arrays, which are not copied:
 * nobody may change them.
 *
 * @param ids the token ids
 * @param supervised for each token whether it is to be learned; the first token is never predicted, marked or not
 */
public record EncodedConversation(int[] ids, boolean[] supervised) {
    /** Checks that both have the same length. */
    public EncodedConversation {
        if (ids.length != supervised.length) {
            throw new IllegalArgumentException(ids.length + " tokens with " + supervised.length + " marks");
        }
    }

    /** Returns the number of tokens. */
    public int length() {
        return ids.length;
    }

    /** Returns the number of tokens that are to be learned. */
    public int supervisedCount() {
        int count = 0;
        for (boolean mark : supervised) {
            count += mark ? 1 : 0;
        }
        return count;
    }
}
