package org.finetune4j.methods.data.puzzle;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A formula over whole numbers with {@code + - * /} and brackets, as an answer gives it; blanks do not count, and what
 * follows an equals sign is left out.
 */
final class PointsFormula {
    /** Deeper brackets are no formula, so that nobody's answer can exhaust the stack. */
    private static final int DEEPEST = 64;
    private static final int MOST_DIGITS = 6;

    private final String text;
    private final List<Integer> numbers = new ArrayList<>();
    private int at;
    private int depth;
    private boolean divided = true;

    private PointsFormula(String text) {
        this.text = text;
    }

    /**
     * A formula that was read.
     *
     * @param numbers its numbers, from left to right
     * @param value   what it gives, or null where something is divided by 0
     */
    record Read(List<Integer> numbers, @Nullable Rational value) {
    }

    /** What is before the equals sign, without blanks. */
    static String bare(String answer) {
        int end = answer.indexOf('=');
        return (end < 0 ? answer : answer.substring(0, end)).replaceAll("\\s", "");
    }

    /** Whether a bare formula holds nothing but digits, operators and brackets. */
    static boolean hasLegalCharacters(String bare) {
        return bare.matches("[0-9+*/()-]*");
    }

    /** A bare formula, or null where its syntax is wrong. */
    static @Nullable Read read(String bare) {
        PointsFormula formula = new PointsFormula(bare);
        Rational value = formula.sum();
        if (formula.at != bare.length() || value == null) {
            return null;
        }
        return new Read(List.copyOf(formula.numbers), formula.divided ? value : null);
    }

    private @Nullable Rational sum() {
        Rational value = product();
        while (value != null && (next('+') || next('-'))) {
            value = apply(text.charAt(at++), value, product());
        }
        return value;
    }

    private @Nullable Rational product() {
        Rational value = operand();
        while (value != null && (next('*') || next('/'))) {
            value = apply(text.charAt(at++), value, operand());
        }
        return value;
    }

    /** Null only where the syntax is wrong: after a division by 0, any value goes on. */
    private @Nullable Rational apply(char operator, Rational left, @Nullable Rational right) {
        Rational result = right == null ? null : left.apply(operator, right);
        if (right != null && result == null) {
            divided = false;
            return left;
        }
        return result;
    }

    private @Nullable Rational operand() {
        if (next('(') && depth < DEEPEST) {
            at++;
            depth++;
            Rational value = sum();
            depth--;
            if (value == null || !next(')')) {
                return null;
            }
            at++;
            return value;
        }
        int begin = at;
        while (at < text.length() && Character.isDigit(text.charAt(at))) {
            at++;
        }
        if (at == begin || at - begin > MOST_DIGITS) {
            return null;
        }
        int number = Integer.parseInt(text.substring(begin, at));
        numbers.add(number);
        return Rational.of(number);
    }

    private boolean next(char wanted) {
        return at < text.length() && text.charAt(at) == wanted;
    }
}
