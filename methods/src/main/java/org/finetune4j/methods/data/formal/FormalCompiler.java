package org.finetune4j.methods.data.formal;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Compiles an answer: one block of code that holds one theorem whose proof is left open,
 * <pre>
 * ```
 * theorem (&lt; (+ a (* 2 b)) 7) := sorry
 * ```
 * </pre>
 * and nothing else in the block. The statement must parse, and every operator must have as many parts as it takes, each
 * of the right type.
 */
public final class FormalCompiler {
    private static final Pattern BLOCK = Pattern.compile("```[a-z]*\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern THEOREM = Pattern.compile("\\s*theorem\\s+(.*?)\\s*:=\\s*sorry\\s*", Pattern.DOTALL);
    private static final Pattern TOKEN = Pattern.compile("\\s*([()]|[^\\s()]+)");
    private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,9}");
    private static final Pattern VARIABLE = Pattern.compile("[a-z]");
    /** Deeper statements are refused, so that nobody's answer can exhaust the stack. */
    private static final int DEEPEST = 64;

    private final List<String> tokens = new ArrayList<>();
    private int at;
    private String problem = "";

    private FormalCompiler(String statement) {
        Matcher matcher = TOKEN.matcher(statement);
        while (matcher.lookingAt()) {
            tokens.add(matcher.group(1));
            matcher.region(matcher.end(), statement.length());
        }
    }

    /**
     * What became of an answer.
     *
     * @param statement the statement, or null where the answer does not compile
     * @param problem   why it does not; empty where it does
     */
    public record Compiled(@Nullable Formula statement, String problem) {
        /** Whether it compiles. */
        public boolean compiles() {
            return statement != null;
        }
    }

    /** How a statement is answered. */
    public static String answer(Formula statement) {
        return "```\ntheorem " + statement + " := sorry\n```";
    }

    /** Compiles an answer. */
    public static Compiled compile(String answer) {
        Matcher block = BLOCK.matcher(answer);
        if (!block.find()) {
            return new Compiled(null, "there is no block of code");
        }
        String code = block.group(1);
        if (block.find()) {
            return new Compiled(null, "there are several blocks of code");
        }
        Matcher theorem = THEOREM.matcher(code);
        return theorem.matches() ? statement(theorem.group(1))
                : new Compiled(null, "the block is not one theorem that ends in := sorry");
    }

    /** Parses and checks a statement alone. */
    public static Compiled statement(String text) {
        FormalCompiler compiler = new FormalCompiler(text);
        Formula formula = compiler.formula(0);
        if (formula != null && compiler.at < compiler.tokens.size()) {
            return new Compiled(null, "'" + compiler.tokens.get(compiler.at) + "' stands behind the statement");
        }
        if (formula != null && formula.type() != Formula.Type.TRUTH) {
            return new Compiled(null, "the statement is a number");
        }
        return new Compiled(formula, compiler.problem);
    }

    private @Nullable Formula formula(int depth) {
        String token = next();
        if (depth > DEEPEST) {
            return refused("the statement is nested too deeply");
        }
        if (NUMBER.matcher(token).matches()) {
            return new Formula.Number(Long.parseLong(token));
        }
        if (VARIABLE.matcher(token).matches()) {
            return new Formula.Variable(token);
        }
        return token.equals("(") ? applied(depth) : refused(token.isEmpty() ? "the statement ends too early"
                : "'" + token + "' is no number, variable or bracket");
    }

    private @Nullable Formula applied(int depth) {
        String sign = next();
        Operator operator = Operator.of(sign).orElse(null);
        if (operator == null) {
            return refused("'" + sign + "' is no operator");
        }
        List<Formula> parts = new ArrayList<>();
        while (at < tokens.size() && !tokens.get(at).equals(")")) {
            Formula part = formula(depth + 1);
            if (part == null) {
                return null;
            }
            parts.add(part);
        }
        if (!next().equals(")")) {
            return refused("a bracket is not closed");
        }
        if (parts.size() != operator.arity()) {
            return refused("'" + sign + "' has " + parts.size() + " parts, but takes " + operator.arity());
        }
        return parts.stream().allMatch(part -> part.type() == operator.takes()) ? new Formula.Applied(operator, parts)
                : refused("'" + sign + "' takes parts of another type");
    }

    private String next() {
        return at < tokens.size() ? tokens.get(at++) : "";
    }

    private @Nullable Formula refused(String why) {
        problem = why;
        return null;
    }
}
