package org.finetune4j.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template may call: Jinja's own and those that transformers adds. */
final class Functions {
    private static final int MAXIMUM_RANGE = 100_000;

    private Functions() {}

    static Map<String, @Nullable Object> all(LocalDateTime now) {
        Map<String, @Nullable Object> functions = new HashMap<>();
        functions.put("range", (Callable) (scope, arguments) -> range(scope.run, arguments));
        functions.put("dict", (Callable) (scope, arguments) -> dictionary(scope.run, arguments));
        functions.put("namespace", (Callable) (scope, arguments) -> {
            Namespace namespace = new Namespace();
            dictionary(scope.run, arguments).forEach((key, value) ->
                namespace.attributes.put(Values.text(scope.run, key), value));
            return namespace;
        });
        functions.put("joiner", (Callable) (scope, arguments) -> {
            Object separator = arguments.bind("joiner", 0, "sep")[0];
            boolean[] used = {false};
            return (Callable) (inner, none) -> {
                boolean first = !used[0];
                used[0] = true;
                return first ? "" : separator == Arguments.MISSING ? ", " : separator;
            };
        });
        functions.put("raise_exception", (Callable) (scope, arguments) -> {
            Object message = arguments.bind("raise_exception", 1, "message")[0];
            throw new EvaluationException.Refusal(Values.text(scope.run, message));
        });
        functions.put("strftime_now", (Callable) (scope, arguments) ->
            time(now, Values.requireText(arguments.bind("strftime_now", 1, "format")[0], "strftime_now")));
        return functions;
    }

    private static Object range(Run run, Arguments arguments) {
        List<@Nullable Object> given = arguments.positional();
        if (given.isEmpty() || given.size() > 3 || !arguments.named().isEmpty()) {
            throw new EvaluationException("range takes one to three whole numbers");
        }
        long start = given.size() == 1 ? 0 : Values.requireInt(given.get(0), "range");
        long stop = Values.requireInt(given.get(given.size() == 1 ? 0 : 1), "range");
        long step = given.size() < 3 ? 1 : Values.requireInt(given.get(2), "range");
        if (step == 0) {
            throw new EvaluationException("range has the step 0");
        }
        long size = Math.max(0, step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step);
        if (size > MAXIMUM_RANGE) {
            throw new EvaluationException("range has more than " + MAXIMUM_RANGE + " numbers");
        }
        run.reserve(size);
        List<@Nullable Object> numbers = new ArrayList<>((int) size);
        for (long i = 0; i < size; i++) {
            numbers.add(start + i * step);
        }
        return numbers;
    }

    private static Map<@Nullable Object, @Nullable Object> dictionary(Run run, Arguments arguments) {
        Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
        if (arguments.positional().size() > 1) {
            throw new EvaluationException("dict takes one dictionary or list of pairs, and names");
        }
        for (Object given : arguments.positional()) {
            if (given instanceof Map<?, ?> other) {
                other.forEach((key, value) -> map.put(Values.key(run, key), value));
            } else {
                for (Object pair : Values.elements(given)) {
                    List<@Nullable Object> both = Values.elements(pair);
                    if (both.size() != 2) {
                        throw new EvaluationException("dict needs pairs of key and value");
                    }
                    map.put(Values.key(run, both.get(0)), both.get(1));
                }
            }
        }
        map.putAll(arguments.named());
        return map;
    }

    /** C's {@code strftime} in its own locale. */
    private static String time(LocalDateTime now, String format) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < format.length(); at++) {
            char character = format.charAt(at);
            if (character != '%' || at + 1 == format.length()) {
                text.append(character);
                continue;
            }
            char directive = format.charAt(++at);
            boolean bare = directive == '-' && at + 1 < format.length();
            String part = part(now, bare ? format.charAt(++at) : directive);
            text.append(bare ? part.replaceFirst("^[0 ]+(?=.)", "") : part);
        }
        return text.toString();
    }

    private static String part(LocalDateTime now, char directive) {
        return switch (directive) {
            case 'Y' -> String.format("%04d", now.getYear());
            case 'y' -> two(now.getYear() % 100);
            case 'm' -> two(now.getMonthValue());
            case 'd' -> two(now.getDayOfMonth());
            case 'e' -> String.format("%2d", now.getDayOfMonth());
            case 'H' -> two(now.getHour());
            case 'I' -> two((now.getHour() + 11) % 12 + 1);
            case 'M' -> two(now.getMinute());
            case 'S' -> two(now.getSecond());
            case 'f' -> String.format("%06d", now.getNano() / 1000);
            case 'p' -> now.getHour() < 12 ? "AM" : "PM";
            case 'B' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
            case 'A' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
            case 'w' -> String.valueOf(now.getDayOfWeek().getValue() % 7);
            case 'u' -> String.valueOf(now.getDayOfWeek().getValue());
            case 'j' -> String.format("%03d", now.getDayOfYear());
            case 'F' -> part(now, 'Y') + "-" + part(now, 'm') + "-" + part(now, 'd');
            case 'T' -> part(now, 'H') + ":" + part(now, 'M') + ":" + part(now, 'S');
            case 'D', 'x' -> part(now, 'm') + "/" + part(now, 'd') + "/" + part(now, 'y');
            case 'X' -> part(now, 'T');
            case 'c' -> part(now, 'a') + " " + part(now, 'b') + " " + part(now, 'e') + " " + part(now, 'T') + " "
                + part(now, 'Y');
            case 'z', 'Z' -> "";
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            default -> throw new EvaluationException("strftime_now does not know %" + directive);
        };
    }

    private static String two(int number) {
        return String.format("%02d", number);
    }
}
