package org.finetune4j.methods.data.puzzle;

import org.jspecify.annotations.Nullable;

/**
 * An exact quotient of whole numbers, reduced; the divisor is positive.
 *
 * @param dividend the number above the line
 * @param divisor  the number below it, not 0
 */
record Rational(long dividend, long divisor) {
    /** Reduces. */
    Rational {
        long common = common(Math.abs(dividend), Math.abs(divisor));
        long sign = divisor < 0 ? -1 : 1;
        dividend = sign * dividend / common;
        divisor = sign * divisor / common;
    }

    static Rational of(long whole) {
        return new Rational(whole, 1);
    }

    private static long common(long a, long b) {
        return b == 0 ? a : common(b, a % b);
    }

    /** This number and another one under {@code +}, {@code -}, {@code *} or {@code /}; null for a division by 0. */
    @Nullable Rational apply(char operator, Rational other) {
        return switch (operator) {
            case '+' -> new Rational(dividend * other.divisor + other.dividend * divisor, divisor * other.divisor);
            case '-' -> new Rational(dividend * other.divisor - other.dividend * divisor, divisor * other.divisor);
            case '*' -> new Rational(dividend * other.dividend, divisor * other.divisor);
            case '/' -> other.dividend == 0 ? null : new Rational(dividend * other.divisor, divisor * other.dividend);
            default -> throw new IllegalArgumentException("no operator " + operator);
        };
    }

    boolean is(long whole) {
        return divisor == 1 && dividend == whole;
    }

    @Override
    public String toString() {
        return divisor == 1 ? Long.toString(dividend) : dividend + "/" + divisor;
    }
}
