package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.jinja.Expression.Parameters;
import org.finetune4j.jinja.Token.Kind;

/** Reads expressions by Jinja's grammar, which binds {@code not}, tests and filters as Python's Jinja2 does. */
class ExpressionParser extends OperandParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> AFTER_TEST = Set.of("else", "or", "and", "is", "if", "in", "not");

    ExpressionParser(List<Token> tokens) {
        super(tokens);
    }

    /** An expression, or several with commas between, which make a tuple. */
    final Expression tuple(boolean conditional) {
        beginChain();
        Expression first = conditional ? expression() : or();
        if (!current().is(Kind.OPERATOR, ",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (skipOperator(",")) {
            if (current().kind() == Kind.PRINT_END || current().kind() == Kind.BLOCK_END) {
                break;
            }
            items.add(conditional ? expression() : or());
        }
        return new Expression.Sequence(items, false);
    }

    @Override
    final Expression expression() {
        enter();
        Expression value = or();
        while (skip(Kind.NAME, "if")) {
            link();
            Expression test = or();
            Expression otherwise = skip(Kind.NAME, "else") ? expression() : null;
            value = new Expression.Conditional(test, value, otherwise);
        }
        leave();
        return value;
    }

    final Expression or() {
        Expression left = and();
        while (skip(Kind.NAME, "or")) {
            link();
            left = new Expression.Junction(false, left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (skip(Kind.NAME, "and")) {
            link();
            left = new Expression.Junction(true, left, not());
        }
        return left;
    }

    private Expression not() {
        if (skip(Kind.NAME, "not")) {
            enter();
            Expression operand = not();
            leave();
            return new Expression.Not(operand);
        }
        return comparison();
    }

    private Expression comparison() {
        int line = current().line();
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> others = new ArrayList<>();
        while (true) {
            Token token = current();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text()) || token.is(Kind.NAME, "in")) {
                next();
                operators.add(token.text());
            } else if (token.is(Kind.NAME, "not") && following().is(Kind.NAME, "in")) {
                next();
                next();
                operators.add("not in");
            } else {
                break;
            }
            link();
            others.add(sum());
        }
        return others.isEmpty() ? first : new Expression.Comparison(first, operators, others, line);
    }

    private Expression sum() {
        Expression left = concatenation();
        while (current().is(Kind.OPERATOR, "+") || current().is(Kind.OPERATOR, "-")) {
            link();
            Token operator = next();
            left = new Expression.Arithmetic(operator.text(), left, concatenation(), operator.line());
        }
        return left;
    }

    private Expression concatenation() {
        int line = current().line();
        List<Expression> parts = new ArrayList<>(List.of(product()));
        while (skipOperator("~")) {
            link();
            parts.add(product());
        }
        return parts.size() == 1 ? parts.get(0) : new Expression.Concatenation(parts, line);
    }

    private Expression product() {
        Expression left = power();
        while (current().kind() == Kind.OPERATOR && Set.of("*", "/", "//", "%").contains(current().text())) {
            link();
            Token operator = next();
            left = new Expression.Arithmetic(operator.text(), left, power(), operator.line());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (current().is(Kind.OPERATOR, "**")) {
            link();
            int line = next().line();
            left = new Expression.Arithmetic("**", left, unary(true), line);
        }
        return left;
    }

    private Expression unary(boolean filtered) {
        enter();
        Token token = current();
        Expression value = skipOperator("-") ? new Expression.Sign(true, unary(false), token.line())
            : skipOperator("+") ? new Expression.Sign(false, unary(false), token.line()) : primary();
        value = postfix(value);
        leave();
        return filtered ? filters(value) : value;
    }

    private Expression filters(Expression start) {
        Expression value = start;
        while (true) {
            int line = current().line();
            if (current().is(Kind.OPERATOR, "|")) {
                link();
                value = filter(value);
            } else if (skip(Kind.NAME, "is")) {
                link();
                value = test(value, line);
            } else if (current().is(Kind.OPERATOR, "(")) {
                link();
                value = new Expression.Call(value, parameters(), line);
            } else {
                return value;
            }
        }
    }

    final Expression.Filtered filter(Expression target) {
        int line = current().line();
        expectOperator("|");
        return namedFilter(target, line);
    }

    final Expression.Filtered namedFilter(Expression target, int line) {
        String name = dottedName();
        return new Expression.Filtered(target, name, current().is(Kind.OPERATOR, "(") ? parameters() : Parameters.NONE, line);
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(expectName());
        while (skipOperator(".")) {
            name.append('.').append(expectName());
        }
        return name.toString();
    }

    private Expression test(Expression target, int line) {
        boolean negated = skip(Kind.NAME, "not");
        String name = dottedName();
        Token token = current();
        Parameters parameters = Parameters.NONE;
        if (token.is(Kind.OPERATOR, "(")) {
            parameters = parameters();
        } else if (token.kind() == Kind.NAME && !AFTER_TEST.contains(token.text()) || token.kind() == Kind.STRING
                || token.kind() == Kind.INTEGER || token.kind() == Kind.FLOAT || token.is(Kind.OPERATOR, "[")
                || token.is(Kind.OPERATOR, "{")) {
            enter();
            parameters = new Parameters(List.of(postfix(primary())), Map.of(), null, null);
            leave();
        }
        Expression test = new Expression.Tested(target, name, parameters, line);
        return negated ? new Expression.Not(test) : test;
    }
}
