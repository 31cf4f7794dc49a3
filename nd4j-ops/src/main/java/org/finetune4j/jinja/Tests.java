package org.finetune4j.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code is} can ask. */
final class Tests {
    private Tests() {}

    static boolean apply(Run run, String name, @Nullable Object value, Arguments arguments) {
        Object plain = Values.plain(value);
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == null;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "integer" -> Numbers.isWhole(value) && !(value instanceof Boolean);
            case "float" -> value instanceof Double;
            case "number" -> Numbers.isNumber(value);
            case "string" -> plain instanceof String;
            case "mapping" -> value instanceof Map;
            case "iterable" -> Values.isIterable(value);
            case "sequence" -> Values.isIterable(value) && !(value instanceof Generator) && !(value instanceof View);
            case "callable" -> value instanceof Callable;
            case "lower", "upper" -> {
                run.reserve(Values.weight(value));
                yield TextMethods.isCase(Values.text(run, value), name.equals("upper"));
            }
            case "escaped" -> value instanceof Markup;
            case "odd", "even" -> remainder(value, 2L) == (name.equals("odd") ? 1 : 0);
            case "divisibleby" -> remainder(value, argument(name, arguments)) == 0;
            case "sameas" -> Operators.equal(run, value, argument(name, arguments))
                && (value == null || value.getClass() == classOf(argument(name, arguments)));
            case "in" -> Operators.contains(run, argument(name, arguments), value);
            case "eq", "equalto", "==" -> Operators.equal(run, value, argument(name, arguments));
            case "ne", "!=" -> !Operators.equal(run, value, argument(name, arguments));
            case "lt", "lessthan", "<" -> Operators.compare(run, value, argument(name, arguments)) < 0;
            case "le", "<=" -> Operators.compare(run, value, argument(name, arguments)) <= 0;
            case "gt", "greaterthan", ">" -> Operators.compare(run, value, argument(name, arguments)) > 0;
            case "ge", ">=" -> Operators.compare(run, value, argument(name, arguments)) >= 0;
            case "filter" -> Filters.NAMES.contains(Values.text(run, value));
            case "test" -> NAMES.contains(Values.text(run, value));
            default -> throw new EvaluationException("there is no test '" + name + "'; known are " + NAMES);
        };
    }

    /** Every test by name. */
    static final List<String> NAMES = List.of("boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped",
        "even", "false", "filter", "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower",
        "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string", "test", "true", "undefined", "upper");

    private static @Nullable Class<?> classOf(@Nullable Object value) {
        return value == null ? null : value.getClass();
    }

    private static @Nullable Object argument(String name, Arguments arguments) {
        return arguments.bind("the test '" + name + "'", 1, "other")[0];
    }

    private static long remainder(@Nullable Object value, @Nullable Object divisor) {
        if (value == null || divisor == null || !Numbers.isNumber(value) || !Numbers.isNumber(divisor)) {
            throw new EvaluationException("a " + Values.kind(value) + " has no remainder");
        }
        Object rest = Numbers.apply("%", value, divisor);
        return rest instanceof Long whole ? whole : Numbers.compare(rest, 0L) == 0 ? 0 : -1;
    }
}
