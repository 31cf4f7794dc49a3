package org.finetune4j.jinja;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Python's arithmetic: whole numbers have no end, truth values count as 0 and 1, and remainders take the divisor's sign. */
final class Numbers {
    private static final int MAXIMUM_BITS = 100_000;

    private Numbers() {}

    static boolean isNumber(@Nullable Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    static boolean isWhole(@Nullable Object value) {
        return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
    }

    static BigInteger whole(@Nullable Object value) {
        return value instanceof BigInteger big ? big : value instanceof Boolean truth
            ? (truth ? BigInteger.ONE : BigInteger.ZERO) : BigInteger.valueOf((Long) Objects.requireNonNull(value));
    }

    static double real(@Nullable Object value) {
        return value instanceof Double number ? number : whole(value).doubleValue();
    }

    /** The smallest form of a whole number. */
    static Object of(BigInteger number) {
        if (number.bitLength() > MAXIMUM_BITS) {
            throw new EvaluationException("a number has more than " + MAXIMUM_BITS + " bits");
        }
        return number.bitLength() < 64 ? (Object) number.longValue() : number;
    }

    static Object apply(String operator, Object left, Object right) {
        if (operator.equals("/")) {
            requireNotZero(right);
            return real(left) / real(right);
        }
        if (isWhole(left) && isWhole(right)) {
            return whole(operator, whole(left), whole(right));
        }
        double a = real(left);
        double b = real(right);
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "**" -> Math.pow(a, b);
            case "//" -> {
                requireNotZero(right);
                yield Math.floor(a / b);
            }
            default -> {
                requireNotZero(right);
                double rest = a % b;
                yield rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
            }
        };
    }

    private static Object whole(String operator, BigInteger a, BigInteger b) {
        return switch (operator) {
            case "+" -> of(a.add(b));
            case "-" -> of(a.subtract(b));
            case "*" -> of(a.multiply(b));
            case "**" -> power(a, b);
            case "//" -> {
                requireNotZero(b);
                BigInteger[] parts = a.divideAndRemainder(b);
                yield of(parts[1].signum() != 0 && parts[1].signum() != b.signum() ? parts[0].subtract(BigInteger.ONE)
                    : parts[0]);
            }
            default -> {
                requireNotZero(b);
                BigInteger rest = a.mod(b.abs());
                yield of(b.signum() < 0 && rest.signum() != 0 ? rest.add(b) : rest);
            }
        };
    }

    private static Object power(BigInteger base, BigInteger exponent) {
        if (exponent.signum() < 0) {
            requireNotZero(base);
            return Math.pow(base.doubleValue(), exponent.doubleValue());
        }
        if (exponent.bitLength() > 31 || (long) base.bitLength() * exponent.intValue() > MAXIMUM_BITS) {
            throw new EvaluationException("a power has more than " + MAXIMUM_BITS + " bits");
        }
        return of(base.pow(exponent.intValue()));
    }

    private static void requireNotZero(Object number) {
        if (number instanceof BigInteger big ? big.signum() == 0 : real(number) == 0) {
            throw new EvaluationException("division by zero");
        }
    }

    static int compare(Object left, Object right) {
        return isWhole(left) && isWhole(right) ? whole(left).compareTo(whole(right))
            : Double.compare(real(left) + 0.0, real(right) + 0.0);
    }

    /** Python's {@code repr} of a float: the shortest digits that give it back. */
    static String text(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }
        if (number == 0) {
            return 1 / number < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(NumberOutput.toString(number, true)).stripTrailingZeros();
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            return shortest.scale() <= 0 ? shortest.toBigInteger() + ".0" : shortest.toPlainString();
        }
        String digits = shortest.unscaledValue().abs().toString();
        return (number < 0 ? "-" : "") + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "") + "e"
            + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }
}
