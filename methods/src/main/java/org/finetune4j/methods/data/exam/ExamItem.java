package org.finetune4j.methods.data.exam;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.Sample;

/**
 * A question with four options.
 *
 * @param domain      what it is about, such as {@code Torts}
 * @param question    the facts and what is asked
 * @param options     four of them
 * @param letter      A to D, the right one
 * @param explanation why
 */
public record ExamItem(String domain, String question, List<String> options, char letter, Explanation explanation) {
    /** The letters of the options. */
    public static final String LETTERS = "ABCD";

    /**
     * Keeps an immutable copy and refuses another number of options or another letter with a {@link FinetuneException}.
     */
    public ExamItem {
        options = List.copyOf(options);
        if (options.size() != LETTERS.length()) {
            throw new FinetuneException("a question has " + options.size() + " options, but the letters are A to D: "
                    + question);
        }
        if (LETTERS.indexOf(letter) < 0) {
            throw new FinetuneException("the right option of a question is '" + letter
                    + "', but must be one of A to D: "
                    + question);
        }
    }

    /**
     * The item of a sample: its first user turn is the question, and its fields are {@code domain}, {@code options} (a
     * JSON list of four texts), {@code answer} (the letter) and {@code explanation}, or in place of the latter those of
     * {@link Explanation#IRAC}.
     *
     * @throws FinetuneException when a part is missing or wrong; it names the sample
     */
    public static ExamItem of(Sample sample, boolean structured) {
        String letter = sample.answer() == null ? "" : sample.answer().strip();
        if (sample.prompt().isEmpty() || letter.length() != 1) {
            throw new FinetuneException(sample.id() + " has no question, or an answer other than one letter. Give it a "
                    + "prompt and an answer of A to D.");
        }
        Map<String, String> parts = new LinkedHashMap<>();
        for (String field : structured ? Explanation.IRAC : List.of(Explanation.WHOLE)) {
            parts.put(field, field(sample, field));
        }
        try {
            return new ExamItem(field(sample, "domain"), sample.prompt().get(sample.prompt().size() - 1).text(),
                    options(sample), letter.charAt(0), new Explanation(parts));
        } catch (FinetuneException problem) {
            throw new FinetuneException(sample.id() + ": " + problem.getMessage(), problem);
        }
    }

    private static String field(Sample sample, String name) {
        String text = sample.fields().get(name);
        if (text == null || text.isBlank()) {
            throw new FinetuneException(sample.id() + " has no field '" + name + "'; it has " + sample.fields().keySet()
                    + ". Add it.");
        }
        return text;
    }

    private static List<String> options(Sample sample) {
        List<String> options = new ArrayList<>();
        try {
            JsonNode list = StrictJson.mapper().readTree(field(sample, "options"));
            list.forEach(option -> options.add(option.asText()));
        } catch (JsonProcessingException e) {
            throw new FinetuneException("the field 'options' is no list of texts. Give it four.", e);
        }
        return options;
    }

    /** This item with another explanation. */
    public ExamItem with(Explanation other) {
        return new ExamItem(domain, question, options, letter, other);
    }

    /** The question with its options, one a line. */
    public String asked() {
        StringBuilder text = new StringBuilder(question);
        for (int i = 0; i < options.size(); i++) {
            text.append('\n').append(LETTERS.charAt(i)).append(". ").append(options.get(i));
        }
        return text.toString();
    }
}
