package org.finetune4j.tokenizer;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Turns tokens that arrive one by one into text, holding back what is not a whole character yet.
 *
 * <p>What {@link #append} returned, joined and followed by {@link #finish}, is what decoding all tokens at once gives.
 * An object belongs to one thread.
 */
public final class StreamingDecoder {
    private static final char REPLACEMENT = '\ufffd';

    private final Function<int[], String> decode;
    /** Tokens whose text was printed already, kept because some tokenizers put a space only between tokens. */
    private int[] context = {};
    private int[] pending = {};

    StreamingDecoder(Function<int[], String> decode) {
        this.decode = decode;
    }

    /**
     * Takes one more token.
     *
     * @return the text that is certain now, which is empty while a character is incomplete
     */
    public String append(int token) {
        pending = Arrays.copyOf(pending, pending.length + 1);
        pending[pending.length - 1] = token;
        String text = pendingText();
        // A character that is cut in the middle decodes to the replacement character at the end.
        if (text.isEmpty() || text.charAt(text.length() - 1) == REPLACEMENT) {
            return "";
        }
        context = pending;
        pending = new int[0];
        return text;
    }

    /** Returns what was still held back, and is ready for another text. */
    public String finish() {
        String text = pendingText();
        context = new int[0];
        pending = new int[0];
        return text;
    }

    private String pendingText() {
        int[] all = Arrays.copyOf(context, context.length + pending.length);
        System.arraycopy(pending, 0, all, context.length, pending.length);
        String before = decode.apply(context);
        String text = decode.apply(all);
        return text.substring(Math.min(before.length(), text.length()));
    }
}
