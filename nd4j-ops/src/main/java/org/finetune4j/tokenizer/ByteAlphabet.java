package org.finetune4j.tokenizer;

import java.nio.charset.StandardCharsets;

/**
 * The byte alphabet of GPT-2, in which every byte has a printable character of its own.
 *
 * <p>Bytes that print in Latin-1 stand for themselves; the others take the characters from U+0100 on, in order. Source:
 * Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and its published encoder.
 */
final class ByteAlphabet {
    static final int SIZE = 256;
    private static final char[] SYMBOLS = symbols();

    private ByteAlphabet() {}

    private static char[] symbols() {
        char[] symbols = new char[SIZE];
        char next = SIZE;
        for (int value = 0; value < SIZE; value++) {
            boolean printable = value >= '!' && value <= '~' || value >= 0xa1 && value != 0xad;
            symbols[value] = printable ? (char) value : next++;
        }
        return symbols;
    }

    static String symbol(int value) {
        return String.valueOf(SYMBOLS[value]);
    }

    /** Returns the values of a text's bytes in UTF-8. */
    static int[] bytes(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] values = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            values[i] = bytes[i] & 0xff;
        }
        return values;
    }
}
