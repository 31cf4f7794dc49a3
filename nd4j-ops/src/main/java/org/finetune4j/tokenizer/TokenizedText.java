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
    /** Returns this text with one more token, which stands for none of its characters. */
    TokenizedText with(int index, int id) {
        int[] moreIds = new int[ids.length + 1];
        int[][] moreSpans = new int[ids.length + 1][];
        System.arraycopy(ids, 0, moreIds, 0, index);
        System.arraycopy(ids, index, moreIds, index + 1, ids.length - index);
        System.arraycopy(spans, 0, moreSpans, 0, index);
        System.arraycopy(spans, index, moreSpans, index + 1, ids.length - index);
        moreIds[index] = id;
        moreSpans[index] = new int[] {-1, -1};
        return new TokenizedText(moreIds, moreSpans);
    }

    /** Returns this text without one of its tokens. */
    TokenizedText without(int index) {
        int[] fewerIds = new int[ids.length - 1];
        int[][] fewerSpans = new int[ids.length - 1][];
        System.arraycopy(ids, 0, fewerIds, 0, index);
        System.arraycopy(ids, index + 1, fewerIds, index, ids.length - index - 1);
        System.arraycopy(spans, 0, fewerSpans, 0, index);
        System.arraycopy(spans, index + 1, fewerSpans, index, ids.length - index - 1);
        return new TokenizedText(fewerIds, fewerSpans);
    }

    /** Returns the number of tokens. */
    public int length() {
        return ids.length;
    }
}
