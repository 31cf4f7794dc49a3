package org.finetune4j.tokenizer;

import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Cuts text into the words that merges never cross, as the {@code ByteLevel} and {@code Digits} pre-tokenizers do. */
final class PreTokenizer {
    /** GPT-2's pattern; white space is Unicode's, as in the native library. */
    private static final Pattern WORD = Pattern.compile(
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern DIGIT_OR_REST = Pattern.compile("\\p{N}|\\P{N}+");

    private final @Nullable Pattern specialTokens;
    private final boolean splitDigits;

    PreTokenizer(List<String> specialTokens, boolean splitDigits) {
        // The longest first, because alternatives are tried in order.
        this.specialTokens = specialTokens.isEmpty() ? null : Pattern.compile(specialTokens.stream()
            .sorted(Comparator.comparingInt(String::length).reversed()).map(Pattern::quote)
            .collect(Collectors.joining("|")));
        this.splitDigits = splitDigits;
    }

    /** Hands over every word of a text; special tokens are left out. */
    void words(String text, Consumer<String> words) {
        if (specialTokens == null) {
            split(text, words);
        } else {
            for (String part : specialTokens.split(text)) {
                split(part, words);
            }
        }
    }

    private void split(String text, Consumer<String> words) {
        if (!splitDigits) {
            match(WORD, text, words);
            return;
        }
        match(DIGIT_OR_REST, text, part -> match(WORD, part, words));
    }

    private static void match(Pattern pattern, String text, Consumer<String> parts) {
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            parts.accept(matcher.group());
        }
    }
}
