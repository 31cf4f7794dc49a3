package org.finetune4j.methods.select;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How a question with a solution is shown for critique, and how the verdict of a critique is read. */
final class CritiqueFormat {
    /** What is asked for; tests ask plain questions without it. */
    static final String INSTRUCTION = "Critique whether the following solution to the question is correct.";

    private static final String QUESTION = "\n\nQuestion:\n";
    private static final String SOLUTION = "\n\nSolution:\n";
    private static final String END = "[END]";
    private static final Pattern VERDICT = Pattern.compile("conclusion:\\W*(right|wrong)\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern ANY_VERDICT = Pattern.compile("conclusion:", Pattern.CASE_INSENSITIVE);

    private CritiqueFormat() {
    }

    /**
     * Question and solution.
     *
     * @param question what was asked
     * @param solution what somebody answered
     */
    record Parts(String question, String solution) {
    }

    /** What the model is shown. */
    static String prompt(String question, String solution) {
        return INSTRUCTION + QUESTION + question + SOLUTION + solution;
    }

    /**
     * The parts of what {@link #prompt} made: the solution begins behind the first line {@code Solution:} that stands
     * alone after an empty line, so that the word may stand anywhere else in the question.
     */
    static Optional<Parts> parts(String prompt) {
        if (!prompt.startsWith(INSTRUCTION + QUESTION)) {
            return Optional.empty();
        }
        int from = INSTRUCTION.length() + QUESTION.length();
        int solution = prompt.indexOf(SOLUTION, from);
        return solution < 0 ? Optional.empty() : Optional.of(new Parts(prompt.substring(from, solution),
                prompt.substring(solution + SOLUTION.length())));
    }

    /** What a teacher is asked. */
    static String request(String question, String solution) {
        return "You are an expert who judges a student's solution.\n\nQuestion:\n" + question
                + "\n\nThe student's solution:\n"
                + solution + "\n\nExplain briefly whether it is correct, and where it goes wrong if it does. Close "
                + "with one line "
                + "that says 'Conclusion: right " + END + "' or 'Conclusion: wrong " + END + "'.";
    }

    /** Whether a critique finds the solution right; nothing when it gives no verdict or more than one. */
    static Optional<Boolean> verdict(String critique) {
        Matcher matcher = VERDICT.matcher(critique);
        if (!matcher.find() || ANY_VERDICT.matcher(critique).results().count() != 1) {
            return Optional.empty();
        }
        return Optional.of(matcher.group(1).equalsIgnoreCase("right"));
    }

    /** A critique without its end mark, which only tells that a teacher had finished. */
    static String withoutEnd(String critique) {
        String text = critique.strip();
        return text.endsWith(END) ? text.substring(0, text.length() - END.length()).strip() : text;
    }
}
