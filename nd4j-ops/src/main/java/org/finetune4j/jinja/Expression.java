package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a template computes: its value depends on the variables in scope. */
interface Expression {
    @Nullable Object evaluate(Scope scope);

    /** A value that stands in the template. */
    record Constant(@Nullable Object value) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            return value;
        }
    }

    /** A variable. */
    record Name(String name, int line) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            scope.run.line = line;
            return scope.get(name);
        }
    }

    /** A list or, if it is not changeable, a tuple. */
    record Sequence(List<Expression> items, boolean changeable) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            List<@Nullable Object> values = new ArrayList<>(items.size());
            items.forEach(item -> values.add(item.evaluate(scope)));
            return changeable ? values : new Tuple(values);
        }
    }

    /** A dictionary. */
    record Dictionary(List<Expression> keys, List<Expression> values, int line) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                Object key = keys.get(i).evaluate(scope);
                scope.run.line = line;
                map.put(Values.key(scope.run, key), values.get(i).evaluate(scope));
            }
            return map;
        }
    }

    /** {@code + - * / // % **} */
    record Arithmetic(String operator, Expression left, Expression right, int line) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            Object a = left.evaluate(scope);
            Object b = right.evaluate(scope);
            scope.run.line = line;
            return Operators.arithmetic(scope.run, operator, a, b);
        }
    }

    /** A sign in front of a number. */
    record Sign(boolean negative, Expression operand, int line) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            Object value = operand.evaluate(scope);
            scope.run.line = line;
            if (value == null || !Numbers.isNumber(value)) {
                throw new EvaluationException("a " + Values.kind(value) + " has no sign");
            }
            return Numbers.apply(negative ? "-" : "+", 0L, value);
        }
    }

    /** {@code ~}, which joins everything as text. */
    record Concatenation(List<Expression> parts, int line) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            StringBuilder text = new StringBuilder();
            for (Expression part : parts) {
                Object value = part.evaluate(scope);
                scope.run.line = line;
                String piece = Values.text(scope.run, value);
                scope.run.reserve(piece.length());
                text.append(piece);
            }
            return text.toString();
        }
    }

    /** A chain such as {@code a < b <= c}. */
    record Comparison(Expression first, List<String> operators, List<Expression> others, int line) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            Object left = first.evaluate(scope);
            for (int i = 0; i < operators.size(); i++) {
                Object right = others.get(i).evaluate(scope);
                scope.run.line = line;
                scope.run.reserve((long) Values.weight(left) + Values.weight(right));
                if (!Operators.compare(scope.run, operators.get(i), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        }
    }

    /** {@code and}, {@code or}: the value that decides. */
    record Junction(boolean and, Expression left, Expression right) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            Object value = left.evaluate(scope);
            return Values.isTrue(value) == and ? right.evaluate(scope) : value;
        }
    }

    /** {@code not} */
    record Not(Expression operand) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return !Values.isTrue(operand.evaluate(scope));
        }
    }

    /** {@code a if b else c} */
    record Conditional(Expression test, Expression then, @Nullable Expression otherwise) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            if (Values.isTrue(test.evaluate(scope))) {
                return then.evaluate(scope);
            }
            return otherwise == null ? new Undefined("the inline if expression has no else") : otherwise.evaluate(scope);
        }
    }

    /** {@code a.b}, where methods come before keys. */
    record Attribute(Expression target, String name, int line) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            Object value = target.evaluate(scope);
            scope.run.line = line;
            return Attributes.attribute(value, name);
        }
    }

    /** {@code a[b]}, where keys come before methods. */
    record Item(Expression target, Expression index, int line) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            Object value = target.evaluate(scope);
            Object key = index.evaluate(scope);
            scope.run.line = line;
            return Attributes.item(scope.run, value, key);
        }
    }

    /** {@code a[b:c:d]} */
    record Slice(Expression target, @Nullable Expression start, @Nullable Expression stop, @Nullable Expression step,
            int line) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            Object value = target.evaluate(scope);
            Object from = start == null ? null : start.evaluate(scope);
            Object to = stop == null ? null : stop.evaluate(scope);
            Object by = step == null ? null : step.evaluate(scope);
            scope.run.line = line;
            return Attributes.slice(scope.run, value, from, to, by);
        }
    }

    /** The arguments of a call as they stand in the template. */
    record Parameters(List<Expression> positional, Map<String, Expression> named, @Nullable Expression more,
            @Nullable Expression moreNamed) {
        static final Parameters NONE = new Parameters(List.of(), Map.of(), null, null);

        Arguments evaluate(Scope scope) {
            List<@Nullable Object> values = new ArrayList<>();
            positional.forEach(argument -> values.add(argument.evaluate(scope)));
            Map<String, @Nullable Object> names = new LinkedHashMap<>();
            named.forEach((name, argument) -> names.put(name, argument.evaluate(scope)));
            if (more != null) {
                values.addAll(Values.elements(more.evaluate(scope)));
            }
            if (moreNamed != null && moreNamed.evaluate(scope) instanceof Map<?, ?> map) {
                map.forEach((name, value) -> names.put(Values.text(scope.run, name), value));
            }
            return new Arguments(values, names);
        }
    }

    /** {@code a(b, c=d)} */
    record Call(Expression target, Parameters parameters, int line) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            Object function = target.evaluate(scope);
            Arguments arguments = parameters.evaluate(scope);
            scope.run.step();
            scope.run.line = line;
            if (function instanceof Undefined undefined) {
                throw undefined.failure();
            }
            if (!(function instanceof Callable callable)) {
                throw new EvaluationException("a " + Values.kind(function) + " cannot be called");
            }
            return scope.run.made(callable.call(scope, arguments));
        }
    }

    /** {@code a | b(c)} */
    record Filtered(Expression target, String name, Parameters parameters, int line) implements Expression {
        @Override
        public @Nullable Object evaluate(Scope scope) {
            Object value = target.evaluate(scope);
            Arguments arguments = parameters.evaluate(scope);
            scope.run.step();
            scope.run.line = line;
            return scope.run.made(Filters.apply(scope, name, value, arguments));
        }
    }

    /** {@code a is b(c)} */
    record Tested(Expression target, String name, Parameters parameters, int line) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            Object value = target.evaluate(scope);
            Arguments arguments = parameters.evaluate(scope);
            scope.run.line = line;
            return Tests.apply(scope.run, name, value, arguments);
        }
    }
}
