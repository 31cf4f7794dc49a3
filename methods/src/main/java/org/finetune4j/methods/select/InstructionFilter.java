package org.finetune4j.methods.select;

import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.finetune4j.data.transform.MinHash;
import org.finetune4j.methods.generate.AnswerText;
import org.finetune4j.methods.generate.TextAnswer;

/** Leaves out invented instructions that are none, and counts why. */
final class InstructionFilter {
    private static final double SIMILAR = 0.8;
    private static final Pattern REFUSAL = Pattern.compile("(?i)\\A(?:(?:I'm|I am) (?:sorry|unable|not able)|sorry,|I "
            + "(?:can't|"
            + "cannot|won't)|as an AI)\\b.*", Pattern.DOTALL);

    private final MinHash seen = new MinHash(SIMILAR);
    private final Map<String, Integer> left = new TreeMap<>();

    /** Whether an instruction is kept. */
    boolean keeps(String persona, TextAnswer written) {
        String text = AnswerText.of(written).replace('\u2019', '\'');
        if (text.isEmpty() || REFUSAL.matcher(text).matches()) {
            return leave("instructions empty or refused");
        }
        if (!written.complete()) {
            return leave("instructions cut off");
        }
        return seen.earlierLike(persona, text) == null || leave("instructions like an earlier one");
    }

    /**
     * Whether an answer may be chosen: whole, not empty, no refusal, and in the letters of its instruction where it has any;
     * a formula has none.
     */
    static boolean mayBeChosen(String instruction, TextAnswer answer) {
        String text = AnswerText.of(answer).replace('\u2019', '\'');
        return answer.complete() && !text.isEmpty() && !REFUSAL.matcher(text).matches()
                && (script(text).isEmpty() || script(text).equals(script(instruction)));
    }

    /** Counts an item that is left out, for a reason. */
    boolean leave(String reason) {
        left.merge(reason, 1, Integer::sum);
        return false;
    }

    /** How many were left out, by reason. */
    Map<String, Integer> left() {
        return left;
    }

    /** The script of most letters, such as LATIN; empty without letters. */
    private static String script(String text) {
        return text.codePoints().filter(Character::isLetter).mapToObj(Character.UnicodeScript::of)
                .collect(Collectors.groupingBy(Function.identity(), TreeMap::new, Collectors.counting())).entrySet()
                .stream()
                .max(Comparator.comparingLong(Map.Entry::getValue)).map(entry -> entry.getKey().name()).orElse("");
    }
}
