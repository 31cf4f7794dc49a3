package org.finetune4j.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.jinja.Expression.Parameters;
import org.finetune4j.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Reads expressions by Jinja's grammar, which binds {@code not}, tests and filters as Python's Jinja2 does. */
class ExpressionParser {
    /** Deeper nesting, or a longer chain of operators, is no template but an attack on the stack. */
    private static final int MAXIMUM_DEPTH = 60;
    private static final int MAXIMUM_CHAIN = 500;
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> AFTER_TEST = Set.of("else", "or", "and", "is", "if", "in", "not");

    private final List<Token> tokens;
    private int position;
    private int depth;
    private int chain;
    /** Every name that was read since a macro's body began. */
    Set<String> mentioned = new HashSet<>();

    ExpressionParser(List<Token> tokens) {
        this.tokens = tokens;
    }

    final Token current() {
        return tokens.get(position);
    }

    final Token next() {
        Token token = tokens.get(position);
        position = Math.min(position + 1, tokens.size() - 1);
        return token;
    }

    final boolean skip(Kind kind, String text) {
        if (current().is(kind, text)) {
            next();
            return true;
        }
        return false;
    }

    final boolean skipOperator(String operator) {
        return skip(Kind.OPERATOR, operator);
    }

    final void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    final String expectName() {
        if (current().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return next().text();
    }

    final JinjaException unexpected(String expected) {
        Token token = current();
        String found = switch (token.kind()) {
            case END -> "the end of the template";
            case PRINT_END -> "'}}'";
            case BLOCK_END -> "'%}'";
            case DATA -> "text";
            default -> "'" + token.text() + "'";
        };
        return failed("it has " + found + " where " + expected + " is expected");
    }

    final JinjaException failed(String reason) {
        return new JinjaException(current().line(), false, reason);
    }

    final void enter() {
        if (++depth > MAXIMUM_DEPTH) {
            throw failed("it is nested more than " + MAXIMUM_DEPTH + " deep");
        }
    }

    final void leave() {
        depth--;
    }

    /** An expression, or several with commas between, which make a tuple. */
    final Expression tuple(boolean conditional) {
        chain = 0;
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

    private void link() {
        if (++chain > MAXIMUM_CHAIN) {
            throw failed("one expression chains more than " + MAXIMUM_CHAIN + " operators");
        }
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
            } else if (token.is(Kind.NAME, "not") && tokens.get(position + 1).is(Kind.NAME, "in")) {
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

    private Expression primary() {
        Token token = next();
        switch (token.kind()) {
            case NAME -> {
                mentioned.add(token.text());
                return switch (token.text()) {
                    case "true", "True" -> new Expression.Constant(true);
                    case "false", "False" -> new Expression.Constant(false);
                    case "none", "None" -> new Expression.Constant(null);
                    default -> new Expression.Name(token.text(), token.line());
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (current().kind() == Kind.STRING) {
                    text.append(next().text());
                }
                return new Expression.Constant(text.toString());
            }
            case INTEGER -> {
                return new Expression.Constant(integer(token));
            }
            case FLOAT -> {
                return new Expression.Constant(Double.parseDouble(token.text()));
            }
            default -> {
                return switch (token.kind() == Kind.OPERATOR ? token.text() : "") {
                    case "(" -> parentheses();
                    case "[" -> new Expression.Sequence(items("]"), true);
                    case "{" -> dictionary(token.line());
                    default -> {
                        position--;
                        throw unexpected("a value");
                    }
                };
            }
        }
    }

    private Object integer(Token token) {
        String text = token.text().toLowerCase(java.util.Locale.ROOT);
        if (text.length() > 1000) {
            throw failed("it has a number of " + text.length() + " digits");
        }
        int base = text.startsWith("0x") ? 16 : text.startsWith("0o") ? 8 : text.startsWith("0b") ? 2 : 10;
        return Numbers.of(new BigInteger(base == 10 ? text : text.substring(2), base));
    }

    private Expression parentheses() {
        if (skipOperator(")")) {
            return new Expression.Sequence(List.of(), false);
        }
        Expression first = expression();
        if (skipOperator(")")) {
            return first;
        }
        expectOperator(",");
        List<Expression> items = new ArrayList<>(List.of(first));
        items.addAll(items(")"));
        return new Expression.Sequence(items, false);
    }

    private List<Expression> items(String end) {
        List<Expression> items = new ArrayList<>();
        while (!skipOperator(end)) {
            if (!items.isEmpty()) {
                expectOperator(",");
                if (skipOperator(end)) {
                    break;
                }
            }
            items.add(expression());
        }
        return items;
    }

    private Expression dictionary(int line) {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!skipOperator("}")) {
            if (!keys.isEmpty()) {
                expectOperator(",");
                if (skipOperator("}")) {
                    break;
                }
            }
            keys.add(expression());
            expectOperator(":");
            values.add(expression());
        }
        return new Expression.Dictionary(keys, values, line);
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            int line = current().line();
            if (skipOperator(".")) {
                link();
                Token name = next();
                if (name.kind() == Kind.INTEGER) {
                    value = new Expression.Item(value, new Expression.Constant(integer(name)), line);
                } else if (name.kind() == Kind.NAME) {
                    value = new Expression.Attribute(value, name.text(), line);
                } else {
                    position--;
                    throw unexpected("a name");
                }
            } else if (skipOperator("[")) {
                link();
                value = subscript(value, line);
            } else if (current().is(Kind.OPERATOR, "(")) {
                link();
                value = new Expression.Call(value, parameters(), line);
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression target, int line) {
        @Nullable Expression[] parts = new @Nullable Expression[3];
        int colons = 0;
        while (!skipOperator("]")) {
            if (skipOperator(":")) {
                if (++colons > 2) {
                    throw failed("a slice has more than two colons");
                }
            } else if (parts[colons] == null) {
                parts[colons] = expression();
            } else {
                throw unexpected("']'");
            }
        }
        if (colons > 0) {
            return new Expression.Slice(target, parts[0], parts[1], parts[2], line);
        }
        if (parts[0] == null) {
            throw failed("'[]' lacks an index");
        }
        return new Expression.Item(target, parts[0], line);
    }

    final Parameters parameters() {
        expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        Expression more = null;
        Expression moreNamed = null;
        boolean first = true;
        while (!skipOperator(")")) {
            if (!first) {
                expectOperator(",");
                if (skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (skipOperator("**")) {
                moreNamed = expression();
            } else if (skipOperator("*")) {
                more = expression();
            } else if (current().kind() == Kind.NAME && tokens.get(position + 1).is(Kind.OPERATOR, "=")) {
                String name = next().text();
                next();
                named.put(name, expression());
            } else if (named.isEmpty() && more == null && moreNamed == null) {
                positional.add(expression());
            } else {
                throw failed("an argument without a name follows one with a name");
            }
        }
        return new Parameters(positional, named, more, moreNamed);
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
