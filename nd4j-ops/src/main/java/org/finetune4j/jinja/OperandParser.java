package org.finetune4j.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.finetune4j.jinja.Expression.Parameters;
import org.finetune4j.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Reads what operators stand between: names, literals, brackets, and the attributes, indices and calls behind them. */
abstract class OperandParser extends TokenCursor {
    /** Every name that was read since a macro's body began. */
    Set<String> mentioned = new HashSet<>();

    OperandParser(List<Token> tokens) {
        super(tokens);
    }

    abstract Expression expression();

    final Expression primary() {
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
                        back();
                        throw unexpected("a value");
                    }
                };
            }
        }
    }

    private Object integer(Token token) {
        String text = token.text().toLowerCase(Locale.ROOT);
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

    final Expression postfix(Expression start) {
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
                    back();
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
            } else if (current().kind() == Kind.NAME && following().is(Kind.OPERATOR, "=")) {
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
}
