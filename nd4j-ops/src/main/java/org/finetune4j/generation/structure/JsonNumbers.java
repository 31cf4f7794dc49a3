package org.finetune4j.generation.structure;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.generation.structure.Expression.Chars;
import org.finetune4j.generation.structure.Expression.Choice;
import org.finetune4j.generation.structure.Expression.Repeat;
import org.jspecify.annotations.Nullable;

/**
 * Numbers as they are written in JSON. Integers have up to 18 digits and fractions up to 17; numbers without bounds may
 * have an exponent of up to two digits, those with bounds have none, and their fractions do not end in zeros.
 */
final class JsonNumbers {
    static final int MOST_DIGITS = 18;
    private static final int MOST_FRACTION = 17;
    private static final BigInteger LARGEST = BigInteger.TEN.pow(MOST_DIGITS).subtract(BigInteger.ONE);

    private JsonNumbers() {
    }

    /** Integers within bounds, both included; null for no bound. */
    static Expression integers(@Nullable BigInteger least, @Nullable BigInteger most) {
        BigInteger low = least == null ? LARGEST.negate() : least;
        BigInteger high = most == null ? LARGEST : most;
        List<Expression> ways = new ArrayList<>();
        if (high.signum() >= 0 && low.compareTo(high) <= 0) {
            ways.add(magnitudes(low.max(BigInteger.ZERO), high));
        }
        BigInteger negativeHigh = high.min(BigInteger.ONE.negate());
        if (low.signum() < 0 && low.compareTo(negativeHigh) <= 0) {
            ways.add(Expression.sequence(Expression.text("-"), magnitudes(negativeHigh.negate(), low.negate())));
        }
        return new Choice(ways);
    }

    /** Numbers without bounds. */
    static Expression numbers() {
        Expression fraction = Expression.sequence(Expression.text("."), new Repeat(Expression.digits(), 1, MOST_FRACTION));
        Expression exponent = Expression.sequence(Expression.chars("eE"), Expression.optional(Expression.chars("+-")),
                new Repeat(Expression.digits(), 1, 2));
        return Expression.sequence(Expression.optional(Expression.text("-")), magnitudes(BigInteger.ZERO, LARGEST),
                Expression.optional(fraction), Expression.optional(exponent));
    }

    /**
     * Numbers within whole bounds.
     *
     * @param least         the lowest, or null for no bound
     * @param leastExcluded whether the lowest itself is out
     * @param most          the highest, or null for no bound
     * @param mostExcluded  whether the highest itself is out
     */
    static Expression numbers(@Nullable BigInteger least, boolean leastExcluded, @Nullable BigInteger most,
                              boolean mostExcluded) {
        BigInteger low = least == null ? LARGEST.negate() : least;
        BigInteger high = most == null ? LARGEST : most;
        List<Expression> ways = new ArrayList<>();
        ways.add(integers(leastExcluded ? low.add(BigInteger.ONE) : low, mostExcluded ? high.subtract(BigInteger.ONE)
                : high));
        // A fraction that is not zero lies strictly between two whole numbers.
        Expression fraction = Expression.sequence(Expression.text("."),
                new Repeat(Expression.digits(), 0, MOST_FRACTION - 1), new Chars(CharSet.of('1', '9')));
        if (high.signum() > 0 && low.max(BigInteger.ZERO).compareTo(high) < 0) {
            ways.add(Expression.sequence(magnitudes(low.max(BigInteger.ZERO), high.subtract(BigInteger.ONE)), fraction));
        }
        if (low.signum() < 0 && low.compareTo(high.min(BigInteger.ZERO)) < 0) {
            ways.add(Expression.sequence(Expression.text("-"), magnitudes(high.min(BigInteger.ZERO).negate(),
                    low.negate().subtract(BigInteger.ONE)), fraction));
        }
        return new Choice(ways);
    }

    /** Whole numbers from {@code low} to {@code high}, 0 or positive, in decimal digits. */
    private static Expression magnitudes(BigInteger low, BigInteger high) {
        List<Expression> ways = new ArrayList<>();
        for (int length = low.toString().length(); length <= high.toString().length(); length++) {
            BigInteger first = length == 1 ? BigInteger.ZERO : BigInteger.TEN.pow(length - 1);
            String from = low.max(first).toString();
            String to = high.min(BigInteger.TEN.pow(length).subtract(BigInteger.ONE)).toString();
            ways.add(between(from, to));
        }
        return new Choice(ways);
    }

    /** Digits between two numbers of the same length. */
    private static Expression between(String from, String to) {
        int rest = from.length() - 1;
        if (rest < 0) {
            return Expression.EMPTY;
        }
        char low = from.charAt(0);
        char high = to.charAt(0);
        if (low == high) {
            return Expression.sequence(Expression.text(from.substring(0, 1)), between(from.substring(1), to.substring(1)));
        }
        if (from.substring(1).chars().allMatch(c -> c == '0') && to.substring(1).chars().allMatch(c -> c == '9')) {
            return Expression.sequence(new Chars(CharSet.of(low, high)), new Repeat(Expression.digits(), rest, rest));
        }
        List<Expression> ways = new ArrayList<>();
        ways.add(Expression.sequence(Expression.text(from.substring(0, 1)), between(from.substring(1), "9".repeat(rest))));
        if (high - low > 1) {
            ways.add(Expression.sequence(new Chars(CharSet.of(low + 1, high - 1)),
                    new Repeat(Expression.digits(), rest, rest)));
        }
        ways.add(Expression.sequence(Expression.text(to.substring(0, 1)), between("0".repeat(rest), to.substring(1))));
        return new Choice(ways);
    }
}
