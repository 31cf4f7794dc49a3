package org.finetune4j.generation.structure;

import java.util.ArrayList;
import java.util.List;

/** Ranges of characters as ranges of bytes in UTF-8. */
final class Utf8 {
    private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
    private static final int[] LEAD = {0, 0xC0, 0xE0, 0xF0};

    private Utf8() {
    }

    /** The lowest and the highest byte of each place; every combination of bytes between them is a character. */
    record Bytes(int[] from, int[] to) {
    }

    /** Splits ranges until the bytes of each part vary independently of each other. */
    static List<Bytes> of(CharSet set) {
        List<Bytes> parts = new ArrayList<>();
        for (CharSet.Range range : set.ranges()) {
            int from = range.from();
            for (int length = 1; length <= LAST_OF_LENGTH.length; length++) {
                int to = Math.min(range.to(), LAST_OF_LENGTH[length - 1]);
                if (from <= to) {
                    split(from, to, length, parts);
                    from = to + 1;
                }
            }
        }
        return parts;
    }

    private static void split(int from, int to, int length, List<Bytes> parts) {
        for (int tail = 1; tail < length; tail++) {
            int mask = (1 << 6 * tail) - 1;
            if ((from & ~mask) != (to & ~mask)) {
                if ((from & mask) != 0) {
                    split(from, from | mask, length, parts);
                    split((from | mask) + 1, to, length, parts);
                    return;
                }
                if ((to & mask) != mask) {
                    split(from, (to & ~mask) - 1, length, parts);
                    split(to & ~mask, to, length, parts);
                    return;
                }
            }
        }
        parts.add(new Bytes(bytes(from, length), bytes(to, length)));
    }

    private static int[] bytes(int character, int length) {
        int[] bytes = new int[length];
        for (int i = length - 1, rest = character; i >= 0; i--, rest >>= 6) {
            bytes[i] = i == 0 ? LEAD[length - 1] | rest : 0x80 | rest & 0x3F;
        }
        return bytes;
    }
}
