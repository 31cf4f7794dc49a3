package org.finetune4j.data;

/**
 * One encoded sample. It owns its arrays, which are not copied: nobody may change them.
 *
 * @param id         the sample's name
 * @param ids        its tokens {@code [tokens]}
 * @param supervised which tokens are to be learned {@code [tokens]}; the first never counts, for nothing predicts it
 */
public record Example(String id, int[] ids, boolean[] supervised) {
    /** Refuses arrays of different lengths. */
    public Example {
        if (ids.length != supervised.length) {
            throw new IllegalArgumentException(id + ": " + ids.length + " ids and " + supervised.length + " marks");
        }
    }

    /** Tokens that are predicted and learned. */
    public int supervisedTokens() {
        int count = 0;
        for (int i = 1; i < supervised.length; i++) {
            count += supervised[i] ? 1 : 0;
        }
        return count;
    }

    /**
     * Tokens that must be fed to the model: all before the last supervised one. Attention is causal, so that what
     * follows has no effect on any loss.
     */
    public int inputTokens() {
        for (int i = supervised.length - 1; i > 0; i--) {
            if (supervised[i]) {
                return i;
            }
        }
        return 0;
    }
}
