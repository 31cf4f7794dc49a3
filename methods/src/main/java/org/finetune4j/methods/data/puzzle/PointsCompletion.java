package org.finetune4j.methods.data.puzzle;

import java.util.ArrayList;
import java.util.List;

/** Whether a text begins a formula that uses every number of a hand once and equals the target. */
final class PointsCompletion {
    /** With more opening brackets a text begins no answer that is worth the search. */
    private static final int MOST_BRACKETS = 8;

    private final String prefix;
    private final int target;
    private final int brackets;

    private PointsCompletion(String prefix, int target, int brackets) {
        this.prefix = prefix;
        this.target = target;
        this.brackets = brackets;
    }

    /** Brackets that a formula does not need are only followed as far as the prefix has them. */
    static boolean exists(String prefix, List<Integer> numbers, int target) {
        int opened = (int) prefix.chars().filter(c -> c == '(').count();
        return opened <= MOST_BRACKETS && new PointsCompletion(prefix, target, Math.max(opened, numbers.size() - 1))
                .operand("", numbers, 0, 0);
    }

    /** What was written so far agrees with the prefix, and a number or an opening bracket comes next. */
    private boolean operand(String written, List<Integer> left, int opened, int open) {
        // A bracket around less than two of the numbers that are left is only followed where the prefix has it.
        boolean opens = opened < brackets && (left.size() > 1 || written.length() < prefix.length());
        if (opens && agrees(written + "(") && operand(written + "(", left, opened + 1, open + 1)) {
            return true;
        }
        for (int i = 0; i < left.size(); i++) {
            String next = written + left.get(i);
            if (left.indexOf(left.get(i)) == i && agrees(next)) {
                List<Integer> rest = new ArrayList<>(left);
                rest.remove(i);
                if (operator(next, rest, opened, open)) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean operator(String written, List<Integer> left, int opened, int open) {
        if (left.isEmpty() && open == 0) {
            PointsFormula.Read read = written.length() < prefix.length() ? null : PointsFormula.read(written);
            return read != null && read.value() != null && read.value().is(target);
        }
        if (open > 0 && agrees(written + ")") && operator(written + ")", left, opened, open - 1)) {
            return true;
        }
        if (!left.isEmpty()) {
            for (char next : "+-*/".toCharArray()) {
                if (agrees(written + next) && operand(written + next, left, opened, open)) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean agrees(String written) {
        return prefix.startsWith(written) || written.startsWith(prefix);
    }
}
