package org.finetune4j.methods.data.facts;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.finetune4j.methods.data.Draws;

/** Names that nobody bears, all different. */
public final class InventedNames {
    private static final List<String> ONSETS =
            List.of("b", "br", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "r", "s",
            "st", "t", "tr", "v", "w", "z");
    private static final List<String> VOWELS = List.of("a", "e", "i", "o", "u", "ai", "ea");
    private static final List<String> CODAS = List.of("", "", "l", "n", "r", "s", "th", "nd");

    private InventedNames() {
    }

    /** So many different words with a capital letter, such as {@code Branuth}. */
    public static List<String> words(Draws draws, int count) {
        Set<String> words = new LinkedHashSet<>();
        while (words.size() < count) {
            words.add(word(draws));
        }
        return new ArrayList<>(words);
    }

    /** So many different names of people, such as {@code Medan Trorith}. */
    public static List<String> people(Draws draws, int count) {
        Set<String> names = new LinkedHashSet<>();
        while (names.size() < count) {
            names.add(word(draws) + " " + word(draws));
        }
        return new ArrayList<>(names);
    }

    private static String word(Draws draws) {
        StringBuilder word = new StringBuilder();
        for (int syllable = draws.between(2, 3); syllable > 0; syllable--) {
            word.append(draws.pick(ONSETS)).append(draws.pick(VOWELS)).append(syllable == 1 ? draws.pick(CODAS) : "");
        }
        return Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }
}
