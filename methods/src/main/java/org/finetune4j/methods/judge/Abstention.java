package org.finetune4j.methods.judge;

import java.util.regex.Pattern;

/** Tells a reply that declines to answer, because what it was given does not say, from one that answers. */
public final class Abstention {
    private static final Pattern DECLINES = Pattern.compile(
            "\\b(?:un|not |in)answerable\\b"
            + "|\\b(?:can(?:no|')t|can not|could(?: no|n')t|(?:am|is|are)(?: not|n't) able to|unable to|impossible to) "
            + "(?:be )?(?:answer|answered|determine|determined|find|say|tell|know|known)\\b"
            + "|\\b(?:do(?:es)?(?: not|n't)|did(?: not|n't)) (?:\\w+ "
            + "){0,2}?(?:say|state|mention|specify|contain|provide|"
            + "include|tell|know|have)\\b"
            + "|\\b(?:is|are|was|were)(?: not|n't) (?:\\w+ "
            + "){0,2}?(?:mentioned|stated|specified|provided|given|included|"
            + "contained|available)\\b"
            + "|\\b(?:no|not enough|insufficient) (?:\\w+ ){0,2}?(?:information|answer|evidence)\\b",
            Pattern.CASE_INSENSITIVE);
    private static final int WORDS = 40;

    private Abstention() {
    }

    /**
     * Whether the reply declines: a phrase such as "the document does not say", "cannot be answered" or "no
     * information" among its first words, for who declines says so at once.
     */
    public static boolean in(String reply) {
        String[] words = reply.strip().replace('\u2019', '\'').split("\\s+", WORDS + 1);
        return DECLINES.matcher(String.join(" ", java.util.Arrays.asList(words).subList(0, Math.min(words.length,
                WORDS))))
                .find();
    }
}
