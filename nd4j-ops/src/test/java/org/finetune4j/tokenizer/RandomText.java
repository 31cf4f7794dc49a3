package org.finetune4j.tokenizer;

import java.util.Random;

/** Random well-formed text: letters, digits, blanks of all kinds, accents, emoji and any other character. */
final class RandomText {
    private static final String[] PIECES = {"the ", "answer", " 12", "  ", "\n", "\n\n\n", "\t", "é", "e\u0301", "名前", "😀",
        "👨‍👩‍👧", "'s", "'re", " don't", "{\"a\": 1}", "\u00a0", "\u3000", "\u2028", "½", "Ⅷ", "٣", "!?", "...", "\u0000", "\r\n",
        "\ufffd", "_", "中", "ﬁ"};

    private RandomText() {}

    static String next(Random random) {
        StringBuilder text = new StringBuilder();
        for (int count = 1 + random.nextInt(12); count > 0; count--) {
            if (random.nextInt(4) > 0) {
                text.append(PIECES[random.nextInt(PIECES.length)]);
                continue;
            }
            int point = random.nextInt(random.nextBoolean() ? 0x250 : 0x20000);
            // Characters that Unicode has not assigned may be letters for one library and nothing for the other.
            if (Character.isDefined(point) && !(point >= 0xd800 && point <= 0xdfff)) {
                text.appendCodePoint(point);
            }
        }
        return text.toString();
    }
}
