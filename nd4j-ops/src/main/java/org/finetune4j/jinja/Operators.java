package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's operators on the values of templates. */
final class Operators {
    private Operators() {}

    static @Nullable Object arithmetic(Run run, String operator, @Nullable Object left, @Nullable Object right) {
        if (left instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Object a = Values.plain(left);
        Object b = Values.plain(right);
        if (a instanceof String text && operator.equals("%")) {
            return Formats.percent(run, text, right);
        }
        if (b instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (a != null && b != null && Numbers.isNumber(a) && Numbers.isNumber(b)) {
            return Numbers.apply(operator, a, b);
        }
        if (operator.equals("+")) {
            return add(run, left, right);
        }
        if (operator.equals("*")) {
            return Numbers.isWhole(a) ? repeat(run, b, a) : repeat(run, a, b);
        }
        throw refused(operator, a, b);
    }

    private static Object add(Run run, @Nullable Object left, @Nullable Object right) {
        Object a = Values.plain(left);
        Object b = Values.plain(right);
        if (a instanceof String first && b instanceof String second) {
            if (left instanceof Markup != right instanceof Markup) {
                first = left instanceof Markup ? first : Markup.escape(first);
                second = right instanceof Markup ? second : Markup.escape(second);
            }
            run.reserve((long) first.length() + second.length());
            return left instanceof Markup || right instanceof Markup ? new Markup(first + second) : first + second;
        }
        if (a instanceof List<?> first && b instanceof List<?> second) {
            return joined(run, first, second);
        }
        if (a instanceof Tuple first && b instanceof Tuple second) {
            return new Tuple(joined(run, first.items(), second.items()));
        }
        throw refused("+", a, b);
    }

    private static List<@Nullable Object> joined(Run run, List<?> first, List<?> second) {
        run.reserve((long) first.size() + second.size());
        List<@Nullable Object> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    private static Object repeat(Run run, @Nullable Object value, @Nullable Object count) {
        if (!Numbers.isWhole(count) || !(value instanceof String || value instanceof List || value instanceof Tuple)) {
            throw refused("*", value, count);
        }
        int times = Math.max(0, Values.requireInt(Numbers.of(Numbers.whole(count)), "'*'"));
        run.reserve((long) Values.length(value) * times);
        if (value instanceof String text) {
            return text.repeat(times);
        }
        List<@Nullable Object> all = new ArrayList<>();
        List<@Nullable Object> items = Values.elements(value);
        Collections.nCopies(times, items).forEach(all::addAll);
        return value instanceof Tuple ? new Tuple(all) : all;
    }

    private static EvaluationException refused(String operator, @Nullable Object a, @Nullable Object b) {
        return new EvaluationException("'" + operator + "' cannot take a " + Values.kind(a) + " and a " + Values.kind(b));
    }

    static boolean equal(Run run, @Nullable Object left, @Nullable Object right) {
        Object a = Values.plain(left);
        Object b = Values.plain(right);
        if (a == null || b == null) {
            return a == b;
        }
        if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
            return Numbers.compare(a, b) == 0;
        }
        if (a instanceof String first && b instanceof String second) {
            run.reserve(first.length() == second.length() ? first.length() : 0);
            return first.equals(second);
        }
        if (a instanceof List<?> first && b instanceof List<?> second) {
            return allEqual(run, first, second);
        }
        if (a instanceof Tuple first && b instanceof Tuple second) {
            return allEqual(run, first.items(), second.items());
        }
        if (a instanceof View first && b instanceof View second) {
            return first.name().equals(second.name()) && allEqual(run, first.items(), second.items());
        }
        if (a instanceof Map<?, ?> first && b instanceof Map<?, ?> second) {
            return first.size() == second.size() && first.entrySet().stream().allMatch(entry -> {
                run.step();
                return second.containsKey(Values.key(run, entry.getKey()))
                    && equal(run, entry.getValue(), second.get(entry.getKey()));
            });
        }
        return a.equals(b);
    }

    private static boolean allEqual(Run run, List<?> first, List<?> second) {
        if (first.size() != second.size()) {
            return false;
        }
        for (int i = 0; i < first.size(); i++) {
            run.step();
            if (!equal(run, first.get(i), second.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** Orders numbers, texts, lists and tuples. */
    static int compare(Run run, @Nullable Object left, @Nullable Object right) {
        Object a = Values.plain(left);
        Object b = Values.plain(right);
        if (a != null && b != null && Numbers.isNumber(a) && Numbers.isNumber(b)) {
            return Numbers.compare(a, b);
        }
        if (a instanceof String first && b instanceof String second) {
            run.reserve(Math.min(first.length(), second.length()));
            return Texts.compare(first, second);
        }
        if (a instanceof List && b instanceof List || a instanceof Tuple && b instanceof Tuple) {
            List<@Nullable Object> first = Values.elements(a);
            List<@Nullable Object> second = Values.elements(b);
            run.reserve((long) first.size() + second.size());
            for (int i = 0; i < Math.min(first.size(), second.size()); i++) {
                run.step();
                if (!equal(run, first.get(i), second.get(i))) {
                    return compare(run, first.get(i), second.get(i));
                }
            }
            return Integer.compare(first.size(), second.size());
        }
        throw refused("<", a, b);
    }

    /** The order of a sort, of which each comparison is a step. */
    static Comparator<@Nullable Object> order(Run run) {
        return (left, right) -> {
            run.step();
            return compare(run, left, right);
        };
    }

    static boolean contains(Run run, @Nullable Object container, @Nullable Object item) {
        Object plain = Values.plain(container);
        if (plain instanceof String text) {
            run.reserve(text.length());
            return Texts.indexOf(text, Values.requireText(item, "'in' a text"), 0) >= 0;
        }
        Collection<?> elements = plain instanceof Map<?, ?> map ? map.keySet() : plain instanceof List<?> list ? list
            : Values.elements(plain);
        return elements.stream().anyMatch(element -> {
            run.step();
            return equal(run, element, item);
        });
    }

    static boolean compare(Run run, String operator, @Nullable Object left, @Nullable Object right) {
        return switch (operator) {
            case "==" -> equal(run, left, right);
            case "!=" -> !equal(run, left, right);
            case "<" -> compare(run, left, right) < 0;
            case "<=" -> compare(run, left, right) <= 0;
            case ">" -> compare(run, left, right) > 0;
            case ">=" -> compare(run, left, right) >= 0;
            case "in" -> contains(run, right, left);
            default -> !contains(run, right, left);
        };
    }
}
