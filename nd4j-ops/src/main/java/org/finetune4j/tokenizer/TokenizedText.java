package org.finetune4j.tokenizer;

/**
 * A text as tokens.
 *
 * @param ids the token ids
 * @param spans for each token the half-open range {@code {start, end}} of the text's UTF-16 units that it stands for;
 *     tokens that share one character (an emoji of several bytes) share its range, and a token that the tokenizer added
 *     by itself has {@code {-1, -1}}
 */
public record TokenizedText(int[] ids, int[][] spans) {
    /** Returns the number of tokens. */
    public int length() {
        return ids.length;
    }
}
