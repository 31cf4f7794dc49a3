package org.finetune4j.methods;

import java.util.Collection;
import java.util.Locale;

/** What a mistyped name was probably meant to be. */
public final class Nearest {
    private Nearest() {
    }

    /**
     * A sentence that proposes the known name with the fewest edits, or an empty text where none is near: more than a
     * third of the letters would have to change.
     */
    public static String proposal(String typed, Collection<String> known) {
        String best = "";
        int fewest = Integer.MAX_VALUE;
        for (String name : known) {
            int edits = edits(typed.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT));
            if (edits < fewest) {
                fewest = edits;
                best = name;
            }
        }
        return fewest <= Math.max(1, best.length() / 3) ? " Did you mean '" + best + "'?" : "";
    }

    /** Levenshtein's distance: insertions, deletions and replacements of single characters. */
    static int edits(String from, String to) {
        int[] previous = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] current = new int[to.length() + 1];
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[to.length()];
    }
}
