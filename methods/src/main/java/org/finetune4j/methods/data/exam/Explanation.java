package org.finetune4j.methods.data.exam;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Why an option is right: one text, or one for every part of a structured argument.
 *
 * @param parts the texts by the name of their field, without blanks at their ends, in order
 */
public record Explanation(Map<String, String> parts) {
    /** The field of an explanation in one text. */
    public static final String WHOLE = "explanation";
    /** The fields of a structured explanation: concept, facts, rule and conclusion. */
    public static final List<String> IRAC = List.of("Legal_Concept", "Fact_Analysis", "Rule_Application",
            "Legal_Conclusion");

    /** Keeps a stripped copy in order. */
    public Explanation {
        Map<String, String> stripped = new LinkedHashMap<>();
        parts.forEach((field, text) -> stripped.put(field, text.strip()));
        parts = Collections.unmodifiableMap(stripped);
    }

    /** An explanation in one text. */
    public static Explanation of(String text) {
        return new Explanation(Map.of(WHOLE, text));
    }

    /** A structured explanation. */
    public static Explanation irac(String concept, String facts, String rule, String conclusion) {
        Map<String, String> parts = new LinkedHashMap<>();
        List<String> texts = List.of(concept, facts, rule, conclusion);
        for (int i = 0; i < IRAC.size(); i++) {
            parts.put(IRAC.get(i), texts.get(i));
        }
        return new Explanation(parts);
    }
}
