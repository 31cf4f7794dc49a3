package org.finetune4j.methods.data.formal;

import java.util.List;
import org.finetune4j.methods.data.Draws;

/** Draws formal statements and says them in plain English. */
public final class StatementSource {
    private static final double LEAF = 0.4;
    private static final double DIGIT = 0.4;
    private static final List<Operator> OPERATIONS = List.of(Operator.PLUS, Operator.MINUS, Operator.TIMES);
    private static final List<Operator> COMPARISONS = List.of(Operator.LESS, Operator.AT_MOST, Operator.EQUAL,
            Operator.GREATER, Operator.AT_LEAST);
    private static final List<Operator> JOINTS = List.of(Operator.AND, Operator.OR);

    private final Draws draws;
    private final int depth;
    private final int variables;

    /** Statements whose terms are at most so deep, over the first letters of the alphabet. */
    public StatementSource(Draws draws, int depth, int variables) {
        this.draws = draws;
        this.depth = depth;
        this.variables = variables;
    }

    /**
     * The next statement.
     *
     * @param joined how likely it joins two others, in [0, 1]
     */
    public Formula statement(double joined) {
        return draws.real() < joined ? new Formula.Applied(draws.pick(JOINTS), List.of(comparison(), comparison()))
                : comparison();
    }

    private Formula comparison() {
        return new Formula.Applied(draws.pick(COMPARISONS), List.of(term(depth), term(depth - 1)));
    }

    private Formula term(int left) {
        if (left == 0 || draws.real() < LEAF) {
            return draws.real() < DIGIT ? new Formula.Number(draws.below(10))
                    : new Formula.Variable(String.valueOf((char) ('a' + draws.below(variables))));
        }
        return new Formula.Applied(draws.pick(OPERATIONS), List.of(term(left - 1), term(left - 1)));
    }

    /** A formula in plain English. */
    public static String words(Formula formula) {
        return formula instanceof Formula.Applied applied ? String.format(applied.operator().words(),
                applied.parts().stream().map(StatementSource::words).toArray()) : formula.toString();
    }
}
