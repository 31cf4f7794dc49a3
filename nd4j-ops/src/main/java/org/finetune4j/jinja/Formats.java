package org.finetune4j.jinja;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The common part of Python's {@code %} and {@code .format()}: texts, whole numbers and fixed decimals with a width. */
final class Formats {
    private static final Pattern PERCENT = Pattern.compile("%(?:\\((\\w+)\\))?([-0]?)(\\d{0,3})(?:\\.(\\d{1,2}))?(.)",
        Pattern.DOTALL);
    private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w*)(?::([<>0]?)(\\d{0,3})(?:\\.(\\d{1,2}))?"
        + "([sdf]?))?\\}|[{}]");

    private Formats() {}

    static String percent(Run run, String text, @Nullable Object right) {
        List<@Nullable Object> values = right instanceof Tuple tuple ? tuple.items()
            : Collections.singletonList(right);
        StringBuilder result = new StringBuilder();
        Matcher matcher = PERCENT.matcher(text);
        int next = 0;
        int end = 0;
        for (; matcher.find(); end = matcher.end()) {
            result.append(text, end, matcher.start());
            if (matcher.group(5).equals("%")) {
                result.append('%');
                continue;
            }
            Object value;
            if (matcher.group(1) != null) {
                if (!(right instanceof Map<?, ?> map) || !map.containsKey(matcher.group(1))) {
                    throw new EvaluationException("the format lacks the value '" + matcher.group(1) + "'");
                }
                value = map.get(matcher.group(1));
            } else if (next < values.size()) {
                value = values.get(next++);
            } else {
                throw new EvaluationException("the format needs more than " + values.size() + " values");
            }
            result.append(one(run, value, matcher.group(5), matcher.group(2), matcher.group(3), matcher.group(4),
                matcher.group(2).equals("-")));
        }
        if (next < values.size() && !(right instanceof Map)) {
            throw new EvaluationException("the format leaves values over");
        }
        run.reserve(result.length());
        return result.append(text, end, text.length()).toString();
    }

    static String braces(Run run, String text, Arguments arguments) {
        StringBuilder result = new StringBuilder();
        Matcher matcher = FIELD.matcher(text);
        boolean manual = false;
        int next = 0;
        int end = 0;
        for (; matcher.find(); end = matcher.end()) {
            result.append(text, end, matcher.start());
            String name = matcher.group(1);
            if (name == null) {
                if (matcher.group().length() == 1) {
                    throw new EvaluationException("the format holds a field that is not known here");
                }
                result.append(matcher.group().charAt(0));
                continue;
            }
            if (name.isEmpty() ? manual : next > 0 && name.matches("\\d+")) {
                throw new EvaluationException("the format counts some fields itself and not others");
            }
            manual |= name.matches("\\d+");
            boolean counted = name.isEmpty() || name.matches("\\d{1,4}");
            int index = name.isEmpty() ? next++ : counted ? Integer.parseInt(name) : -1;
            if (counted ? index >= arguments.positional().size() : !arguments.named().containsKey(name)) {
                throw new EvaluationException("the format lacks the value '" + (name.isEmpty() ? index : name) + "'");
            }
            Object value = counted ? arguments.positional().get(index) : arguments.named().get(name);
            boolean plain = matcher.group(2) == null;
            String kind = plain || matcher.group(5).isEmpty() ? "s" : matcher.group(5);
            result.append(plain ? Values.text(run, value) : one(run, value, kind, matcher.group(2), matcher.group(3),
                matcher.group(4), matcher.group(2).equals("<")
                    || matcher.group(2).isEmpty() && !Numbers.isNumber(value)));
        }
        run.reserve(result.length());
        return result.append(text, end, text.length()).toString();
    }

    private static String one(Run run, @Nullable Object value, String kind, String flag, String width,
            @Nullable String precision, boolean left) {
        String text = switch (kind) {
            case "s" -> {
                String whole = Values.text(run, value);
                int length = precision == null ? Integer.MAX_VALUE : Integer.parseInt(precision);
                yield Texts.length(whole) <= length ? whole : whole.substring(0, whole.offsetByCodePoints(0, length));
            }
            case "r" -> Values.repr(run, value);
            case "d", "i" -> String.valueOf(value instanceof Double number ? (Object) number.longValue()
                : Numbers.whole(number(value)));
            case "x" -> Numbers.whole(number(value)).toString(16);
            case "f" -> String.format(Locale.ROOT, "%." + (precision == null ? "6" : precision) + "f",
                new BigDecimal(Numbers.real(number(value))));
            default -> throw new EvaluationException("the format '" + kind + "' is not known here");
        };
        int missing = width.isEmpty() ? 0 : Math.max(0, Integer.parseInt(width) - Texts.length(text));
        return left ? text + " ".repeat(missing) : (flag.equals("0") ? "0" : " ").repeat(missing) + text;
    }

    private static Object number(@Nullable Object value) {
        if (value == null || !Numbers.isNumber(value)) {
            throw new EvaluationException("the format needs a number, not a " + Values.kind(value));
        }
        return value;
    }
}
