package org.finetune4j.methods.data.formal;

import java.util.Arrays;
import java.util.Optional;
import org.finetune4j.methods.data.formal.Formula.Type;

/** An operator of the language of formal statements, which takes two parts, or {@code not} one. */
public enum Operator {
    /** Sum. */
    PLUS("+", 2, Type.NUMBER, Type.NUMBER, "the sum of %s and %s"),
    /** Difference. */
    MINUS("-", 2, Type.NUMBER, Type.NUMBER, "the difference of %s and %s"),
    /** Product. */
    TIMES("*", 2, Type.NUMBER, Type.NUMBER, "the product of %s and %s"),
    /** Less than. */
    LESS("<", 2, Type.NUMBER, Type.TRUTH, "%s is less than %s"),
    /** At most. */
    AT_MOST("<=", 2, Type.NUMBER, Type.TRUTH, "%s is at most %s"),
    /** Equal. */
    EQUAL("=", 2, Type.NUMBER, Type.TRUTH, "%s equals %s"),
    /** Greater than. */
    GREATER(">", 2, Type.NUMBER, Type.TRUTH, "%s is greater than %s"),
    /** At least. */
    AT_LEAST(">=", 2, Type.NUMBER, Type.TRUTH, "%s is at least %s"),
    /** Both. */
    AND("and", 2, Type.TRUTH, Type.TRUTH, "both %s and %s"),
    /** At least one of both. */
    OR("or", 2, Type.TRUTH, Type.TRUTH, "either %s or %s"),
    /** Not. */
    NOT("not", 1, Type.TRUTH, Type.TRUTH, "it is not so that %s");

    private final String sign;
    private final int arity;
    private final Type takes;
    private final Type result;
    private final String words;

    Operator(String sign, int arity, Type takes, Type result, String words) {
        this.sign = sign;
        this.arity = arity;
        this.takes = takes;
        this.result = result;
        this.words = words;
    }

    /** How it is written. */
    public String sign() {
        return sign;
    }

    /** How many parts it takes. */
    public int arity() {
        return arity;
    }

    /** What its parts stand for. */
    public Type takes() {
        return takes;
    }

    /** What it gives. */
    public Type result() {
        return result;
    }

    /** Plain English with a place for every part. */
    String words() {
        return words;
    }

    /** The operator that is written so. */
    static Optional<Operator> of(String sign) {
        return Arrays.stream(values()).filter(operator -> operator.sign.equals(sign)).findFirst();
    }
}
