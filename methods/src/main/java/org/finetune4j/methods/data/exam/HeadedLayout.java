package org.finetune4j.methods.data.exam;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Fields under headings. Lines of a text that look like a heading or like a next question begin with a backslash, which
 * is taken off when they are read.
 */
enum HeadedLayout {
    /** {@code ## Domain} and the text below it. */
    MARKDOWN {
        @Override
        String heading(int number, String title) {
            return "## " + title + "\n";
        }

        @Override
        Pattern headingOf(String title) {
            return Pattern.compile("#{1,6}\\s*\\**" + title + "\\**:?\\s*", Pattern.CASE_INSENSITIVE);
        }
    },
    /** {@code 1. Domain: } and the text behind it. */
    NUMBERED {
        @Override
        String heading(int number, String title) {
            return number + ". " + title + ": ";
        }

        @Override
        Pattern headingOf(String title) {
            return Pattern.compile("\\d+[.)]\\s*\\**" + title + "\\**:\\**\\s?", Pattern.CASE_INSENSITIVE);
        }
    };

    private static final String NEXT_QUESTION = "Question:";
    private static final Pattern ESCAPED = Pattern.compile("\\\\+(#|Question:|\\d+[.)]).*", Pattern.DOTALL);
    private static final Pattern ESCAPABLE = Pattern.compile("\\\\*(#|Question:|\\d+[.)]).*", Pattern.DOTALL);

    abstract String heading(int number, String title);

    abstract Pattern headingOf(String title);

    String write(Map<String, String> values) {
        StringBuilder text = new StringBuilder();
        int number = 1;
        for (Map.Entry<String, String> value : values.entrySet()) {
            text.append(number > 1 ? this == MARKDOWN ? "\n\n" : "\n" : "")
                    .append(heading(number++, AnswerLayout.title(value.getKey())));
            String[] lines = value.getValue().split("\n", -1);
            for (int i = 0; i < lines.length; i++) {
                text.append(i > 0 ? "\n" : "").append(ESCAPABLE.matcher(lines[i]).matches() ? "\\" : "")
                        .append(lines[i]);
            }
        }
        return text.toString();
    }

    Map<String, String> read(String answer, List<String> fields) {
        Map<String, StringBuilder> values = new LinkedHashMap<>();
        StringBuilder current = new StringBuilder();
        for (String line : answer.split("\\R", -1)) {
            if (!values.isEmpty() && line.startsWith(NEXT_QUESTION)) {
                break;
            }
            String rest = line;
            for (String field : fields) {
                var matcher = headingOf(AnswerLayout.title(field)).matcher(line);
                if (!values.containsKey(field) && matcher.lookingAt()) {
                    current = new StringBuilder();
                    values.put(field, current);
                    rest = line.substring(matcher.end());
                }
            }
            current.append(ESCAPED.matcher(rest).matches() ? rest.substring(1) : rest).append('\n');
        }
        Map<String, String> texts = new LinkedHashMap<>();
        values.forEach((field, text) -> texts.put(field, text.toString().strip()));
        return texts;
    }
}
