package org.finetune4j.methods.data.tool;

import java.util.List;
import java.util.Locale;
import org.finetune4j.FinetuneException;

/**
 * Phrases by which a tool's answer is known to be an error. Both are compared without case and without any character
 * but Latin letters, digits and Chinese characters, so that a phrase may also be found within a word.
 *
 * @param phrases at least one, each with a letter or a digit
 */
public record ErrorPhrases(List<String> phrases) {
    /** The phrases of the published code. */
    public static final List<String> DEFAULT = List.of("is not defined", "positional argument", "unexpected keyword",
            "'related_searches'", "ConnectionError", "\"error\":", "not supported", "Invalid API call",
            "Response error",
            "Object of type SerpResults is not JSON serializable", "400 Client Error", "'error'",
            "slice indices must be integers or None or have an __index__ method", "connection error");

    /** Keeps an immutable copy and refuses phrases that would be found everywhere with a {@link FinetuneException}. */
    public ErrorPhrases {
        phrases = List.copyOf(phrases);
        if (phrases.isEmpty() || phrases.stream().anyMatch(phrase -> normal(phrase).isEmpty())) {
            throw new FinetuneException("the error phrases " + phrases
                    + " must be at least one, each with a letter or a "
                    + "digit. Give some, or set maskAdverse to false.");
        }
    }

    /** Whether a tool's answer is an error. */
    public boolean isError(String observation) {
        String normal = normal(observation);
        return phrases.stream().anyMatch(phrase -> normal.contains(normal(phrase)));
    }

    private static String normal(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9\\u4E00-\\u9FA5]", "");
    }
}
