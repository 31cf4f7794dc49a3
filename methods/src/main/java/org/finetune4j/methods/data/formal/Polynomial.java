package org.finetune4j.methods.data.formal;

import java.math.BigInteger;
import java.util.Map;
import java.util.TreeMap;

/**
 * A sum of products of variables with whole factors: the normal form of a term.
 *
 * @param factors the factor of every product that has one; a product is its variables in order, such as {@code aab}
 */
record Polynomial(Map<String, BigInteger> factors) {
    /** Keeps a sorted copy without factors of 0. */
    Polynomial {
        TreeMap<String, BigInteger> sorted = new TreeMap<>(factors);
        sorted.values().removeIf(factor -> factor.signum() == 0);
        factors = sorted;
    }

    static Polynomial of(Formula term) {
        if (term instanceof Formula.Number number) {
            return new Polynomial(Map.of("", BigInteger.valueOf(number.value())));
        }
        if (term instanceof Formula.Variable variable) {
            return new Polynomial(Map.of(variable.name(), BigInteger.ONE));
        }
        Formula.Applied applied = (Formula.Applied) term;
        Polynomial left = of(applied.parts().get(0));
        Polynomial right = of(applied.parts().get(1));
        return switch (applied.operator()) {
            case PLUS -> left.plus(right);
            case MINUS -> left.plus(right.times(BigInteger.ONE.negate()));
            case TIMES -> left.times(right);
            default -> throw new IllegalArgumentException(term + " is no number");
        };
    }

    Polynomial minus(Polynomial other) {
        return plus(other.times(BigInteger.ONE.negate()));
    }

    private Polynomial plus(Polynomial other) {
        Map<String, BigInteger> sum = new TreeMap<>(factors);
        other.factors.forEach((product, factor) -> sum.merge(product, factor, BigInteger::add));
        return new Polynomial(sum);
    }

    private Polynomial times(Polynomial other) {
        Map<String, BigInteger> result = new TreeMap<>();
        factors.forEach((one, first) -> other.factors.forEach((two, second) ->
                result.merge(sorted(one + two), first.multiply(second), BigInteger::add)));
        return new Polynomial(result);
    }

    Polynomial times(BigInteger factor) {
        Map<String, BigInteger> result = new TreeMap<>();
        factors.forEach((product, own) -> result.put(product, own.multiply(factor)));
        return new Polynomial(result);
    }

    private static String sorted(String variables) {
        return variables.chars().sorted().collect(StringBuilder::new, StringBuilder::appendCodePoint,
                StringBuilder::append).toString();
    }

    /** Divided by the largest whole number that divides every factor. */
    Polynomial reduced() {
        BigInteger common = factors.values().stream().reduce(BigInteger.ZERO, BigInteger::gcd);
        Map<String, BigInteger> result = new TreeMap<>();
        factors.forEach((product, own) -> result.put(product, own.divide(common)));
        return new Polynomial(result);
    }

    /** With the sign that makes the first factor positive. */
    Polynomial positive() {
        return !factors.isEmpty() && factors.values().iterator().next().signum() < 0 ? times(BigInteger.ONE.negate())
                : this;
    }

    boolean isConstant() {
        return factors.isEmpty() || factors.size() == 1 && factors.containsKey("");
    }

    @Override
    public String toString() {
        return factors.toString();
    }
}
