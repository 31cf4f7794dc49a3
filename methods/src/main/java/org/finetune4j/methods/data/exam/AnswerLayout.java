package org.finetune4j.methods.data.exam;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.data.Sample;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * How an answer is laid out: the domain, the letter of the chosen option, and the explanation in one text or in the
 * four fields of {@link Explanation#IRAC}.
 *
 * @param format     how fields are written
 * @param order      whether the letter comes before or behind the explanation
 * @param structured whether the explanation has four fields
 */
public record AnswerLayout(Format format, Order order, boolean structured) {
    private static final String DOMAIN = "domain";
    private static final String ANSWER = "answer";
    private static final Pattern LETTER =
            Pattern.compile("(?:[Oo]ption\\s*)?\\(?([A-D])\\)?(?:[.:)-].*)?", Pattern.DOTALL);
    private static final Pattern ANY_LETTER = Pattern.compile("\\b[A-D]\\b");

    /** How fields are written. */
    public enum Format {
        /** A JSON object. */
        JSON,
        /** Headings in Markdown. */
        MARKDOWN,
        /** A numbered list. */
        NUMBERED
    }

    /** Which comes first. */
    public enum Order {
        /** Domain, letter, explanation. */
        ANSWER_FIRST,
        /** Domain, explanation, letter. */
        FACT_FIRST
    }

    /**
     * An answer that was read back.
     *
     * @param domain      the domain, or null where there is none
     * @param letter      the chosen letter, or null where the answer does not give exactly one of A to D
     * @param explanation what explains it, maybe with fewer parts than asked for
     */
    public record Parsed(@Nullable String domain, @Nullable Character letter, Explanation explanation) {
        /** Whether the answer gives no letter. */
        public boolean isMalformed() {
            return letter == null;
        }
    }

    /** The names of the fields, in order. */
    List<String> fields() {
        List<String> fields = new ArrayList<>(List.of(DOMAIN));
        fields.addAll(structured ? Explanation.IRAC : List.of(Explanation.WHOLE));
        fields.add(order == Order.ANSWER_FIRST ? 1 : fields.size(), ANSWER);
        return fields;
    }

    /** A field's name as people read it, such as {@code Legal concept}. */
    static String title(String field) {
        String words = field.replace('_', ' ');
        return Character.toUpperCase(words.charAt(0)) + words.substring(1).toLowerCase(Locale.ROOT);
    }

    /** The system's turn, which describes this layout. */
    public String instruction() {
        String names = fields().stream().map(format == Format.JSON ? field -> "\"" + field + "\"" : AnswerLayout::title)
                .collect(Collectors.joining(", "));
        return "Answer the multiple-choice question. " + switch (format) {
            case JSON -> "Write one JSON object with the fields ";
            case MARKDOWN -> "Write one heading with its text for each of ";
            case NUMBERED -> "Write a numbered list of ";
        } + names + ", in this order. The answer is one letter of A, B, C and D.";
    }

    /** The right answer to an item, whose explanation must have this layout's fields. */
    public String render(ExamItem item) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String field : fields()) {
            values.put(field, field.equals(DOMAIN) ? item.domain().strip() : field.equals(ANSWER)
                    ? String.valueOf(item.letter()) : item.explanation().parts().getOrDefault(field, ""));
        }
        return switch (format) {
            case JSON -> JsonLayout.write(values);
            case MARKDOWN -> HeadedLayout.MARKDOWN.write(values);
            case NUMBERED -> HeadedLayout.NUMBERED.write(values);
        };
    }

    /** A sample that asks for an item and answers it in this layout, made of the item's own sample. */
    public Sample laidOut(Sample sample, ExamItem item) {
        return new Sample(sample.id(), sample.conversation().withMessages(List.of(Message.system(instruction()),
                Message.user(item.asked()), Message.assistant(render(item)))), List.of(), sample.answer(),
                sample.fields(),
                sample.provenance().madeOf(sample.id()));
    }

    /** An answer read back, as far as it keeps to this layout; what follows a next question counts no more. */
    public Parsed parse(String answer) {
        Map<String, String> values = switch (format) {
            case JSON -> JsonLayout.read(answer, fields());
            case MARKDOWN -> HeadedLayout.MARKDOWN.read(answer, fields());
            case NUMBERED -> HeadedLayout.NUMBERED.read(answer, fields());
        };
        Map<String, String> parts = new LinkedHashMap<>();
        for (String field : structured ? Explanation.IRAC : List.of(Explanation.WHOLE)) {
            if (values.containsKey(field)) {
                parts.put(field, values.get(field));
            }
        }
        return new Parsed(values.get(DOMAIN), letter(values.getOrDefault(ANSWER, "").strip()), new Explanation(parts));
    }

    private static @Nullable Character letter(String value) {
        Matcher whole = LETTER.matcher(value);
        if (whole.matches()) {
            return whole.group(1).charAt(0);
        }
        List<String> letters = ANY_LETTER.matcher(value).results().map(found -> found.group()).distinct().toList();
        return letters.size() == 1 ? letters.get(0).charAt(0) : null;
    }
}
