package org.finetune4j.methods.data.puzzle;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds a formula over given numbers that equals a target: every number is used once, with {@code + - * /} and
 * brackets, in exact arithmetic. Depth first: any two of the numbers become one, until one is left.
 */
public final class PointsSolver {
    /** Tried in this order for every pair; the last two also with the second number first. */
    private static final String OPERATORS = "+*-/";

    private final int target;
    private final int kept;
    private final Deque<Term> failures = new ArrayDeque<>();

    private PointsSolver(int target, int kept) {
        this.target = target;
        this.kept = kept;
    }

    /**
     * What the search found.
     *
     * @param formula  the first formula that equals the target, with no more brackets than it needs
     * @param steps    the formula's operations in order, such as {@code 1+2 = 3}
     * @param failures the last formulas that were tried before it with what they give, such as {@code 1+2+3+4 = 10}
     */
    public record Solution(String formula, List<String> steps, List<String> failures) {
        /** Keeps immutable copies. */
        public Solution {
            steps = List.copyOf(steps);
            failures = List.copyOf(failures);
        }
    }

    /**
     * The solution that is found first, or null where there is none.
     *
     * @param failures how many of the failed attempts before it are kept, at least 0
     */
    public static @Nullable Solution solve(List<Integer> numbers, int target, int failures) {
        PointsSolver solver = new PointsSolver(target, failures);
        return solver.search(numbers.stream().map(Term::of).toList());
    }

    /** Whether some formula over the numbers equals the target. */
    public static boolean solvable(List<Integer> numbers, int target) {
        return solve(numbers, target, 0) != null;
    }

    private @Nullable Solution search(List<Term> terms) {
        if (terms.size() == 1) {
            Term result = terms.get(0);
            if (result.value().is(target)) {
                return new Solution(result.text(), result.steps(), failures.stream()
                        .map(failure -> failure.text() + " = " + failure.value()).toList());
            }
            if (kept > 0) {
                if (failures.size() == kept) {
                    failures.removeFirst();
                }
                failures.addLast(result);
            }
            return null;
        }
        for (int i = 0; i < terms.size(); i++) {
            for (int j = i + 1; j < terms.size(); j++) {
                List<Term> rest = new ArrayList<>(terms);
                Term second = rest.remove(j);
                Term first = rest.remove(i);
                for (char operator : OPERATORS.toCharArray()) {
                    Solution found = with(rest, first, operator, second);
                    if (found == null && (operator == '-' || operator == '/')) {
                        found = with(rest, second, operator, first);
                    }
                    if (found != null) {
                        return found;
                    }
                }
            }
        }
        return null;
    }

    private @Nullable Solution with(List<Term> rest, Term left, char operator, Term right) {
        Term joined = left.join(operator, right);
        if (joined == null) {
            return null;
        }
        List<Term> terms = new ArrayList<>(rest);
        terms.add(joined);
        return search(terms);
    }

    /** A part of a formula: a number, where {@code operator} is 0, or two parts; texts are made for what is shown. */
    private record Term(Rational value, char operator, @Nullable Term left, @Nullable Term right) {
        static Term of(int number) {
            return new Term(Rational.of(number), (char) 0, null, null);
        }

        @Nullable Term join(char with, Term other) {
            Rational result = value.apply(with, other.value);
            return result == null ? null : new Term(result, with, this, other);
        }

        String text() {
            return left == null || right == null ? value.toString()
                    : left.bracketed(left.isSum() && (operator == '*' || operator == '/')) + operator
                            + right.bracketed(!right.standsBareAfter(operator));
        }

        List<String> steps() {
            List<String> steps = new ArrayList<>();
            addSteps(steps);
            return steps;
        }

        private void addSteps(List<String> steps) {
            if (left != null && right != null) {
                left.addSteps(steps);
                right.addSteps(steps);
                steps.add(number(left.value) + operator + number(right.value) + " = " + value);
            }
        }

        private static String number(Rational value) {
            return value.dividend() < 0 || value.divisor() != 1 ? "(" + value + ")" : value.toString();
        }

        private boolean isSum() {
            return operator == '+' || operator == '-';
        }

        private String bracketed(boolean needed) {
            return needed ? "(" + text() + ")" : text();
        }

        private boolean standsBareAfter(char before) {
            return operator == 0 || before == '+' || before == '-' && !isSum() || before == '*' && operator == '*';
        }
    }
}
