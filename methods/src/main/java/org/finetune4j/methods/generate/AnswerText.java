package org.finetune4j.methods.generate;

import java.util.regex.Pattern;

/** What an answer says. */
public final class AnswerText {
    private static final Pattern THINKING = Pattern.compile("(?s)\\A\\s*<think(?:ing)?>.*?</think(?:ing)?>");

    private AnswerText() {
    }

    /** The text without a block of thinking at its beginning and without white space at its ends. */
    public static String of(TextAnswer answer) {
        return THINKING.matcher(answer.text()).replaceFirst("").strip();
    }
}
