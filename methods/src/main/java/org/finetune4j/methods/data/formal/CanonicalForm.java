package org.finetune4j.methods.data.formal;

import java.math.BigInteger;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The normal form of a statement, by which it is told whether two mean the same over the real numbers: comparisons of
 * polynomials with 0, in one direction and without common factors, and the parts of {@code and} and {@code or} flat, in
 * order and each once.
 */
public final class CanonicalForm {
    private static final String TRUE = "true";
    private static final String FALSE = "false";

    private CanonicalForm() {
    }

    /** Whether two statements have the same normal form. */
    public static boolean isEquivalent(Formula first, Formula second) {
        return of(first).equals(of(second));
    }

    /** The normal form of a statement; {@code true} or {@code false} where it says nothing about its variables. */
    public static String of(Formula statement) {
        return of(statement, false);
    }

    private static String of(Formula statement, boolean negated) {
        Formula.Applied applied = (Formula.Applied) statement;
        Operator operator = applied.operator();
        return switch (operator) {
            case NOT -> of(applied.parts().get(0), !negated);
            case AND, OR -> joined(applied, (operator == Operator.AND) != negated, negated);
            default -> comparison(operator, Polynomial.of(applied.parts().get(0)).minus(
                    Polynomial.of(applied.parts().get(1))), negated);
        };
    }

    private static String joined(Formula.Applied applied, boolean and, boolean negated) {
        TreeSet<String> parts = new TreeSet<>();
        flat(applied, applied.operator()).forEach(part -> parts.add(of(part, negated)));
        parts.remove(and ? TRUE : FALSE);
        if (parts.contains(and ? FALSE : TRUE)) {
            return and ? FALSE : TRUE;
        }
        return parts.size() < 2 ? parts.stream().findFirst().orElse(and ? TRUE : FALSE)
                : (and ? "and" : "or") + parts;
    }

    private static Stream<Formula> flat(Formula formula, Operator operator) {
        return formula instanceof Formula.Applied applied && applied.operator() == operator
                ? applied.parts().stream().flatMap(part -> flat(part, operator)) : Stream.of(formula);
    }

    /** {@code difference operator 0}, turned so that it says {@code < 0}, {@code <= 0}, {@code = 0} or {@code != 0}. */
    private static String comparison(Operator operator, Polynomial difference, boolean negated) {
        Operator plain = negated ? opposite(operator) : operator;
        if (plain == Operator.EQUAL) {
            return said(difference.isConstant() ? difference : difference.reduced().positive(), negated ? " != 0"
                    : " = 0",
                    negated != difference.factors().isEmpty());
        }
        boolean turned = plain == Operator.GREATER || plain == Operator.AT_LEAST;
        boolean strict = plain == Operator.GREATER || plain == Operator.LESS;
        Polynomial below = turned ? difference.times(BigInteger.ONE.negate()) : difference;
        int sign = below.factors().isEmpty() ? 0 : below.factors().values().iterator().next().signum();
        return said(below.isConstant() ? below : below.reduced(), strict ? " < 0" : " <= 0", strict ? sign < 0
                : sign <= 0);
    }

    private static String said(Polynomial polynomial, String comparison, boolean holdsWhereConstant) {
        return polynomial.isConstant() ? holdsWhereConstant ? TRUE : FALSE : polynomial + comparison;
    }

    private static Operator opposite(Operator operator) {
        return switch (operator) {
            case LESS -> Operator.AT_LEAST;
            case AT_LEAST -> Operator.LESS;
            case GREATER -> Operator.AT_MOST;
            case AT_MOST -> Operator.GREATER;
            default -> operator;
        };
    }

    /** Whether a statement says nothing, being always true or always false. */
    public static boolean isEmpty(Formula statement) {
        return List.of(TRUE, FALSE).contains(of(statement));
    }
}
