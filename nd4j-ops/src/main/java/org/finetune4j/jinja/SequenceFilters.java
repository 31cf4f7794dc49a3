package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The filters that go through the elements of a value. */
final class SequenceFilters {
    private SequenceFilters() {}

    static @Nullable Object apply(Scope scope, String name, @Nullable Object value, Arguments arguments) {
        return switch (name) {
            case "list" -> reserved(scope, Values.elements(value));
            case "items" -> {
                if (!(value instanceof Undefined) && !(value instanceof Map)) {
                    throw new EvaluationException("items needs a dictionary, not a " + Values.kind(value));
                }
                yield new Generator(value instanceof Map<?, ?> map ? CollectionMethods.items(map).items() : List.of());
            }
            case "first" -> {
                if (value instanceof Generator generator) {
                    yield generator.hasNext() ? generator.next() : new Undefined("there is no first element");
                }
                List<@Nullable Object> items = Values.elements(value);
                yield items.isEmpty() ? new Undefined("there is no first element") : items.get(0);
            }
            case "last" -> {
                if (value instanceof Generator) {
                    throw new EvaluationException("a generator has no last element");
                }
                List<@Nullable Object> items = Values.elements(value);
                yield items.isEmpty() ? new Undefined("there is no last element") : items.get(items.size() - 1);
            }
            case "join" -> join(scope, value, arguments);
            case "reverse" -> {
                if (Values.plain(value) instanceof String text) {
                    yield TextMethods.reverse(text);
                }
                List<@Nullable Object> items = reserved(scope, Values.elements(value));
                Collections.reverse(items);
                yield new Generator(items);
            }
            case "map" -> map(scope, value, arguments);
            case "select" -> select(scope, value, arguments, null, true);
            case "reject" -> select(scope, value, arguments, null, false);
            case "selectattr" -> select(scope, value, arguments.from(1), path(scope, first(name, arguments)), true);
            case "rejectattr" -> select(scope, value, arguments.from(1), path(scope, first(name, arguments)), false);
            case "sort" -> {
                Object[] values = arguments.bind(name, 0, "reverse", "case_sensitive", "attribute");
                Comparator<@Nullable Object> order = Comparator.comparing(key(scope, isTrue(values[1]), values[2]),
                    Operators.order(scope.run));
                List<@Nullable Object> items = reserved(scope, Values.elements(value));
                items.sort(isTrue(values[0]) ? order.reversed() : order);
                yield items;
            }
            case "dictsort" -> dictsort(scope, value, arguments);
            case "unique" -> {
                Object[] values = arguments.bind(name, 0, "case_sensitive", "attribute");
                Function<@Nullable Object, @Nullable Object> key = key(scope, isTrue(values[0]), values[1]);
                List<@Nullable Object> seen = new ArrayList<>();
                List<@Nullable Object> kept = new ArrayList<>();
                for (Object item : Values.elements(value)) {
                    scope.run.step();
                    if (!Operators.contains(scope.run, seen, key.apply(item))) {
                        seen.add(key.apply(item));
                        kept.add(item);
                    }
                }
                yield new Generator(kept);
            }
            case "min", "max" -> {
                Object[] values = arguments.bind(name, 0, "case_sensitive", "attribute");
                Comparator<@Nullable Object> order = Comparator.comparing(key(scope, isTrue(values[0]), values[1]),
                    Operators.order(scope.run));
                Object best = Arguments.MISSING;
                for (Object item : Values.elements(value)) {
                    int sign = best == Arguments.MISSING ? 0 : order.compare(item, best);
                    best = best == Arguments.MISSING || (name.equals("min") ? sign < 0 : sign > 0) ? item : best;
                }
                yield best == Arguments.MISSING ? new Undefined("no aggregated item, sequence was empty") : best;
            }
            case "sum" -> {
                Object[] values = arguments.bind(name, 0, "attribute", "start");
                Object total = values[1] == Arguments.MISSING ? (Object) 0L : values[1];
                for (Object item : Values.elements(value)) {
                    total = Operators.arithmetic(scope.run, "+", total, key(scope, true, values[0]).apply(item));
                }
                yield total;
            }
            case "batch", "slice" -> portions(scope, name, value, arguments);
            default -> throw new EvaluationException("there is no filter '" + name + "'; known are " + Filters.NAMES);
        };
    }

    private static boolean isTrue(@Nullable Object option) {
        return option != Arguments.MISSING && Values.isTrue(option);
    }

    private static List<@Nullable Object> reserved(Scope scope, List<@Nullable Object> items) {
        scope.run.reserve(items.size());
        return new ArrayList<>(items);
    }

    private static @Nullable Object first(String name, Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw new EvaluationException(name + " lacks the attribute's name");
        }
        return arguments.positional().get(0);
    }

    /** Reads an attribute such as {@code function.name} or {@code 0}. */
    private static Function<@Nullable Object, @Nullable Object> path(Scope scope, @Nullable Object attribute) {
        List<@Nullable Object> parts = new ArrayList<>();
        if (Values.plain(attribute) instanceof String names) {
            for (String part : names.split("\\.", -1)) {
                parts.add(part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part);
            }
        } else {
            parts.add(attribute);
        }
        return item -> {
            Object value = item;
            for (Object part : parts) {
                value = Attributes.item(scope.run, value, part);
            }
            return value;
        };
    }

    private static Function<@Nullable Object, @Nullable Object> key(Scope scope, boolean caseSensitive,
            @Nullable Object attribute) {
        Function<@Nullable Object, @Nullable Object> read = attribute == Arguments.MISSING || attribute == null
            ? item -> item : path(scope, attribute);
        return caseSensitive ? read : read.andThen(SequenceFilters::ignoreCase);
    }

    private static @Nullable Object ignoreCase(@Nullable Object value) {
        return Values.plain(value) instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
    }

    private static String join(Scope scope, @Nullable Object value, Arguments arguments) {
        Object[] values = arguments.bind("join", 0, "d", "attribute");
        Function<@Nullable Object, @Nullable Object> read = key(scope, true, values[1]);
        List<@Nullable Object> texts = new ArrayList<>();
        Values.elements(value).forEach(item -> texts.add(Values.text(scope.run, read.apply(item))));
        String separator = values[0] == Arguments.MISSING ? "" : Values.text(scope.run, values[0]);
        return TextMethods.join(scope.run, separator, texts, "join");
    }

    /** These filters take everything that is false, none too, for an empty list. */
    private static List<@Nullable Object> elementsOrNone(@Nullable Object value) {
        return Values.isTrue(value) ? Values.elements(value) : List.of();
    }

    private static Object map(Scope scope, @Nullable Object value, Arguments arguments) {
        Function<@Nullable Object, @Nullable Object> change;
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            Object fallback = arguments.named().getOrDefault("default", Arguments.MISSING);
            Function<@Nullable Object, @Nullable Object> read = path(scope, arguments.named().get("attribute"));
            change = item -> {
                Object found = read.apply(item);
                return found instanceof Undefined && fallback != Arguments.MISSING && fallback != null ? fallback : found;
            };
        } else {
            String filter = Values.text(scope.run, first("map", arguments));
            change = item -> Filters.apply(scope, filter, item, arguments.from(1));
        }
        List<@Nullable Object> changed = new ArrayList<>();
        for (Object item : elementsOrNone(value)) {
            scope.run.step();
            changed.add(change.apply(item));
        }
        return new Generator(changed);
    }

    private static Object select(Scope scope, @Nullable Object value, Arguments arguments,
            @Nullable Function<@Nullable Object, @Nullable Object> attribute, boolean wanted) {
        List<@Nullable Object> selected = new ArrayList<>();
        for (Object item : elementsOrNone(value)) {
            scope.run.step();
            Object tested = attribute == null ? item : attribute.apply(item);
            boolean holds = arguments.positional().isEmpty() ? Values.isTrue(tested)
                : Tests.apply(scope.run, Values.text(scope.run, arguments.positional().get(0)), tested,
                    arguments.from(1));
            if (holds == wanted) {
                selected.add(item);
            }
        }
        return new Generator(selected);
    }

    private static Object dictsort(Scope scope, @Nullable Object value, Arguments arguments) {
        Object[] values = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        if (!(value instanceof Map<?, ?> map)) {
            throw new EvaluationException("dictsort needs a dictionary, not a " + Values.kind(value));
        }
        String by = values[1] == Arguments.MISSING ? "key" : Values.requireText(values[1], "dictsort");
        if (!by.equals("key") && !by.equals("value")) {
            throw new EvaluationException("dictsort sorts by 'key' or 'value'");
        }
        List<@Nullable Object> items = reserved(scope, CollectionMethods.items(map).items());
        Comparator<@Nullable Object> order = Comparator.comparing(key(scope, isTrue(values[0]), by.equals("key") ? 0L : 1L),
            Operators.order(scope.run));
        items.sort(isTrue(values[2]) ? order.reversed() : order);
        return items;
    }

    private static Object portions(Scope scope, String name, @Nullable Object value, Arguments arguments) {
        Object[] values = arguments.bind(name, 1, "count", "fill_with");
        int count = Values.requireInt(values[0], name);
        if (count < 1 || count > 100_000) {
            throw new EvaluationException(name + " needs a count from 1 to 100000");
        }
        Object fill = values[1] == Arguments.MISSING ? null : values[1];
        List<@Nullable Object> items = reserved(scope, Values.elements(value));
        List<@Nullable Object> portions = new ArrayList<>();
        boolean batch = name.equals("batch");
        int start = 0;
        for (int i = 0; batch ? start < items.size() : i < count; i++) {
            int size = batch ? Math.min(count, items.size() - start)
                : items.size() / count + (i < items.size() % count ? 1 : 0);
            List<@Nullable Object> portion = new ArrayList<>(items.subList(start, start + size));
            if (fill != null) {
                int missing = batch ? count - size : items.size() % count != 0 && i >= items.size() % count ? 1 : 0;
                scope.run.reserve(missing);
                portion.addAll(Collections.nCopies(missing, fill));
            }
            portions.add(portion);
            start += size;
        }
        return new Generator(portions);
    }
}
