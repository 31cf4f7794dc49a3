package org.finetune4j.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code |} can do to one value; {@link SequenceFilters} has what goes through its elements. */
final class Filters {
    /** Every filter by name. */
    static final List<String> NAMES = List.of("abs", "attr", "batch", "capitalize", "center", "count", "d", "default",
        "dictsort", "e", "escape", "first", "float", "format", "indent", "int", "items", "join", "last", "length",
        "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select",
        "selectattr", "slice", "sort", "string", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode",
        "wordcount");

    private Filters() {}

    static @Nullable Object apply(Scope scope, String name, @Nullable Object value, Arguments arguments) {
        Run run = scope.run;
        run.reserve(Values.weight(value));
        return switch (name) {
            case "trim" -> {
                Object characters = arguments.bind(name, 0, "chars")[0];
                yield Texts.strip(Values.text(run, value), characters == Arguments.MISSING || characters == null ? null
                    : Values.requireText(characters, name), true, true);
            }
            case "upper" -> Values.text(run, value).toUpperCase(Locale.ROOT);
            case "lower" -> Values.text(run, value).toLowerCase(Locale.ROOT);
            case "capitalize" -> TextMethods.capitalize(Values.text(run, value));
            case "title" -> title(Values.text(run, value));
            case "string" -> value instanceof Markup ? value : Values.text(run, value);
            case "safe" -> new Markup(Values.text(run, value));
            case "e", "escape" -> value instanceof Markup ? value : new Markup(Markup.escape(Values.text(run, value)));
            case "tojson" -> Json.write(run, value, arguments);
            case "default", "d" -> {
                Object[] values = arguments.bind(name, 0, "default_value", "boolean");
                boolean alsoFalse = values[1] != Arguments.MISSING && Values.isTrue(values[1]);
                yield value instanceof Undefined || alsoFalse && !Values.isTrue(value)
                    ? (values[0] == Arguments.MISSING ? "" : values[0]) : value;
            }
            case "replace" -> {
                Object[] values = arguments.bind(name, 2, "old", "new", "count");
                yield TextMethods.replace(run, Values.text(run, value), Values.text(run, values[0]),
                    Values.text(run, values[1]), values[2] == Arguments.MISSING || values[2] == null ? -1
                        : Values.requireInt(values[2], name));
            }
            case "indent" -> indent(run, Values.requireText(value, name), arguments);
            case "format" -> Formats.percent(run, Values.text(run, value), arguments.named().isEmpty()
                ? new Tuple(arguments.positional()) : arguments.named());
            case "center" -> TextMethods.of(Values.text(run, value), name).call(scope, arguments.positional().isEmpty()
                && arguments.named().isEmpty() ? new Arguments(List.of(80L), Map.of()) : arguments);
            case "truncate" -> truncate(Values.requireText(value, name), arguments);
            case "wordcount" -> (long) TextMethods.split(Values.text(run, value).replaceAll("[^\\p{L}\\p{N}_]+", " "), null,
                -1).size();
            case "urlencode" -> URLEncoder.encode(Values.text(run, value), StandardCharsets.UTF_8)
                .replace("+", "%20").replace("%2F", "/").replace("%7E", "~").replace("*", "%2A");
            case "length", "count" -> (long) Values.length(value);
            case "attr" -> Attributes.attribute(value, Values.text(run, arguments.bind(name, 1, "name")[0]));
            case "abs" -> Numbers.compare(number(value, name), 0L) < 0 ? Numbers.apply("-", 0L, number(value, name)) : value;
            case "int" -> toInt(value, arguments);
            case "float" -> {
                Object fallback = arguments.bind(name, 0, "default")[0];
                Object number = toFloat(value);
                yield number != null ? number : fallback == Arguments.MISSING ? (Object) 0.0 : fallback;
            }
            case "round" -> round(number(value, name), arguments);
            default -> SequenceFilters.apply(scope, name, value, arguments);
        };
    }

    private static Object number(@Nullable Object value, String use) {
        if (value == null || !Numbers.isNumber(value)) {
            throw new EvaluationException(use + " needs a number, not a " + Values.kind(value));
        }
        return value;
    }

    /** Jinja's own idea of words: what follows white space, a dash or an opening bracket. */
    private static String title(String text) {
        StringBuilder titled = new StringBuilder();
        boolean starting = true;
        for (int point : text.codePoints().toArray()) {
            titled.appendCodePoint(starting ? Character.toUpperCase(point) : Character.toLowerCase(point));
            starting = Texts.isSpace(point) || "-({[<".indexOf(point) >= 0;
        }
        return titled.toString();
    }

    private static String indent(Run run, String text, Arguments arguments) {
        Object[] values = arguments.bind("indent", 0, "width", "first", "blank");
        Object width = values[0] == Arguments.MISSING ? (Object) 4L : values[0];
        String indentation = width instanceof String string ? string
            : " ".repeat(Math.max(0, Math.min(1000, Values.requireInt(width, "indent"))));
        boolean blank = values[2] != Arguments.MISSING && Values.isTrue(values[2]);
        List<String> lines = Texts.lines(text + "\n", false);
        run.reserve(text.length() + (long) lines.size() * indentation.length());
        boolean first = values[1] != Arguments.MISSING && Values.isTrue(values[1]);
        StringBuilder result = new StringBuilder(first ? indentation : "");
        for (int i = 0; i < lines.size(); i++) {
            result.append(i == 0 ? "" : "\n").append(i > 0 && (blank || !lines.get(i).isEmpty()) ? indentation : "")
                .append(lines.get(i));
        }
        return result.toString();
    }

    private static String truncate(String text, Arguments arguments) {
        Object[] values = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
        int length = values[0] == Arguments.MISSING ? 255 : Values.requireInt(values[0], "truncate");
        String end = values[2] == Arguments.MISSING ? "..." : Values.requireText(values[2], "truncate");
        int leeway = values[3] == Arguments.MISSING || values[3] == null ? 5 : Values.requireInt(values[3], "truncate");
        if (length < Texts.length(end) || leeway < 0) {
            throw new EvaluationException("truncate needs a length that its end fits into");
        }
        if (Texts.length(text) <= (long) length + leeway) {
            return text;
        }
        String cut = text.substring(0, text.offsetByCodePoints(0, length - Texts.length(end)));
        boolean kill = values[1] != Arguments.MISSING && Values.isTrue(values[1]);
        return (kill || cut.lastIndexOf(' ') < 0 ? cut : cut.substring(0, cut.lastIndexOf(' '))) + end;
    }

    private static @Nullable Object toInt(@Nullable Object value, Arguments arguments) {
        Object[] values = arguments.bind("int", 0, "default", "base");
        Object plain = Values.plain(value);
        int base = values[1] == Arguments.MISSING ? 10 : Values.requireInt(values[1], "int");
        if (plain != null && Numbers.isWhole(plain)) {
            return Numbers.of(Numbers.whole(plain));
        }
        if (plain instanceof String text && base >= 0 && base <= 36) {
            try {
                String digits = Texts.strip(text, null, true, true).replace("_", "").toLowerCase(Locale.ROOT);
                int prefix = digits.startsWith("0x") ? 16 : digits.startsWith("0o") ? 8 : digits.startsWith("0b") ? 2 : 0;
                boolean prefixed = prefix > 0 && (base == 0 || base == prefix);
                return Numbers.of(new BigInteger(prefixed ? digits.substring(2) : digits,
                    prefixed ? prefix : base == 0 ? 10 : base));
            } catch (NumberFormatException e) {
                // A fraction is tried next.
            }
        }
        Object number = toFloat(plain);
        return number instanceof Double real && !real.isNaN() && !real.isInfinite()
            ? Numbers.of(new BigDecimal(real).toBigInteger())
            : values[0] == Arguments.MISSING ? (Object) 0L : values[0];
    }

    private static @Nullable Object toFloat(@Nullable Object value) {
        Object plain = Values.plain(value);
        if (plain != null && Numbers.isNumber(plain)) {
            return Numbers.real(plain);
        }
        if (plain instanceof String text) {
            String number = Texts.strip(text, null, true, true);
            if (number.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,4})?")) {
                return Double.parseDouble(number);
            }
        }
        return null;
    }

    /** Python rounds halves to even, from the number's exact value. */
    private static Object round(Object value, Arguments arguments) {
        Object[] values = arguments.bind("round", 0, "precision", "method");
        int precision = values[0] == Arguments.MISSING ? 0 : Values.requireInt(values[0], "round");
        String method = values[1] == Arguments.MISSING ? "common" : Values.requireText(values[1], "round");
        if (Math.abs(precision) > 300 || !List.of("common", "ceil", "floor").contains(method)) {
            throw new EvaluationException("round knows the methods common, ceil and floor, and at most 300 digits");
        }
        if (method.equals("common")) {
            BigDecimal rounded = (Numbers.isWhole(value) ? new BigDecimal(Numbers.whole(value))
                : new BigDecimal(Numbers.real(value))).setScale(precision, RoundingMode.HALF_EVEN);
            return Numbers.isWhole(value) ? Numbers.of(rounded.toBigInteger()) : (Object) rounded.doubleValue();
        }
        double factor = Math.pow(10, precision);
        double scaled = Numbers.real(value) * factor;
        return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / factor;
    }
}
