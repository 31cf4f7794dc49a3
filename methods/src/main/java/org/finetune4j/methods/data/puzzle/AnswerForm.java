package org.finetune4j.methods.data.puzzle;

/** What the answers of a puzzle's samples hold. */
public enum AnswerForm {
    /** The answer alone. */
    ANSWER,
    /** Worked reasoning between {@code <think>} and {@code </think>}, and then the answer. */
    COT;

    /** An answer with the reasoning that leads to it, which this form may leave out. */
    String write(String reasoning, String answer) {
        return this == ANSWER ? answer : "<think>\n" + reasoning + "\n</think>\n" + answer;
    }
}
