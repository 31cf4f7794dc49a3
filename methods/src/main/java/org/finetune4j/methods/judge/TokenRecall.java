package org.finetune4j.methods.judge;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The share of a reference's words that a reply has, too. */
public final class TokenRecall {
    private TokenRecall() {
    }

    /**
     * The sum over words of the lesser count in reference and reply, divided by the number of the reference's words, in
     * [0, 1]; words are in lower case and parted at white space and punctuation.
     *
     * @return 1 for a reference without words
     */
    public static double of(String reference, String reply) {
        Map<String, Integer> left = new HashMap<>();
        words(reply).forEach(word -> left.merge(word, 1, Integer::sum));
        long all = words(reference).count();
        long found = words(reference).filter(word -> left.merge(word, -1, Integer::sum) >= 0).count();
        return all == 0 ? 1 : (double) found / all;
    }

    private static java.util.stream.Stream<String> words(String text) {
        return Arrays.stream(text.toLowerCase(Locale.ROOT).split("[\\s\\p{Punct}]+")).filter(word -> !word.isEmpty());
    }
}
