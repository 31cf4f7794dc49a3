package org.finetune4j.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The byte alphabet of GPT-2, in which every byte has a printable character of its own.
 *
 * <p>Bytes that print in Latin-1 stand for themselves; the others take the characters from U+0100 on, in order. Source:
 * Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and its published encoder.
 */
final class ByteAlphabet {
    static final int SIZE = 256;
    private static final char[] SYMBOLS = symbols();
    private static final Map<Character, Integer> VALUES = IntStream.range(0, SIZE).boxed()
        .collect(Collectors.toMap(value -> SYMBOLS[value], value -> value));

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

    /** Returns the byte that a character stands for, or -1 where it is not of the alphabet. */
    static int value(char symbol) {
        return VALUES.getOrDefault(symbol, -1);
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
