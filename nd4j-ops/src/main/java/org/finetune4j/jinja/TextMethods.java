package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's texts. */
final class TextMethods {
    private TextMethods() {}

    static @Nullable Callable of(String text, String name) {
        String use = "." + name + "()";
        return switch (name) {
            case "strip", "lstrip", "rstrip" -> (scope, arguments) -> {
                Object characters = arguments.bind(use, 0, "chars")[0];
                return Texts.strip(text, characters == Arguments.MISSING || characters == null ? null
                    : Values.requireText(characters, use), !name.startsWith("r"), !name.startsWith("l"));
            };
            case "lower", "casefold" -> (scope, arguments) -> text.toLowerCase(Locale.ROOT);
            case "upper" -> (scope, arguments) -> text.toUpperCase(Locale.ROOT);
            case "capitalize" -> (scope, arguments) -> capitalize(text);
            case "title" -> (scope, arguments) -> title(text);
            case "swapcase" -> (scope, arguments) -> text.codePoints().map(point -> Character.isUpperCase(point)
                ? Character.toLowerCase(point) : Character.toUpperCase(point))
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
            case "startswith", "endswith" -> (scope, arguments) -> affix(text, name.equals("startswith"),
                arguments.bind(use, 1, "prefix")[0], use);
            case "removeprefix" -> (scope, arguments) -> {
                String prefix = Values.requireText(arguments.bind(use, 1, "prefix")[0], use);
                return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            };
            case "removesuffix" -> (scope, arguments) -> {
                String suffix = Values.requireText(arguments.bind(use, 1, "suffix")[0], use);
                return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            };
            case "find", "rfind", "index", "rindex" -> (scope, arguments) -> find(text, name, arguments);
            case "count" -> (scope, arguments) -> {
                String part = Values.requireText(arguments.bind(use, 1, "sub")[0], use);
                return part.isEmpty() ? Texts.length(text) + 1L : (long) split(text, part, -1).size() - 1;
            };
            case "replace" -> (scope, arguments) -> {
                Object[] values = arguments.bind(use, 2, "old", "new", "count");
                return replace(scope.run, text, Values.requireText(values[0], use), Values.requireText(values[1], use),
                    values[2] == Arguments.MISSING ? -1 : Values.requireInt(values[2], use));
            };
            case "split", "rsplit" -> (scope, arguments) -> {
                Object[] values = arguments.bind(use, 0, "sep", "maxsplit");
                String separator = values[0] == Arguments.MISSING || values[0] == null ? null
                    : Values.requireText(values[0], use);
                int limit = values[1] == Arguments.MISSING ? -1 : Values.requireInt(values[1], use);
                return new ArrayList<@Nullable Object>(name.equals("split") ? split(text, separator, limit)
                    : splitFromEnd(text, separator, limit));
            };
            case "partition", "rpartition" -> (scope, arguments) -> {
                String separator = Values.requireText(arguments.bind(use, 1, "sep")[0], use);
                boolean first = name.equals("partition");
                int at = first ? Texts.indexOf(text, separator, 0) : Texts.lastIndexOf(text, separator);
                return new Tuple(at < 0 ? (first ? List.of(text, "", "") : List.of("", "", text))
                    : List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
            };
            case "splitlines" -> (scope, arguments) -> {
                Object keep = arguments.bind(use, 0, "keepends")[0];
                return new ArrayList<@Nullable Object>(Texts.lines(text, keep != Arguments.MISSING && Values.isTrue(keep)));
            };
            case "join" -> (scope, arguments) -> join(scope.run, text,
                Values.elements(arguments.bind(use, 1, "iterable")[0]), use);
            case "format" -> (scope, arguments) -> Formats.braces(scope.run, text, arguments);
            case "isdigit", "isdecimal", "isnumeric" -> (scope, arguments) -> all(text, Character::isDigit);
            case "isalpha" -> (scope, arguments) -> all(text, Character::isLetter);
            case "isalnum" -> (scope, arguments) -> all(text, Character::isLetterOrDigit);
            case "isspace" -> (scope, arguments) -> all(text, Texts::isSpace);
            case "isupper" -> (scope, arguments) -> isCase(text, true);
            case "islower" -> (scope, arguments) -> isCase(text, false);
            case "zfill", "ljust", "rjust", "center" -> (scope, arguments) -> pad(scope.run, text, name, arguments);
            default -> null;
        };
    }

    private static boolean all(String text, IntPredicate test) {
        return !text.isEmpty() && text.codePoints().allMatch(test);
    }

    static boolean isCase(String text, boolean upper) {
        return text.codePoints().anyMatch(upper ? Character::isUpperCase : Character::isLowerCase)
            && text.codePoints().noneMatch(upper ? Character::isLowerCase : Character::isUpperCase);
    }

    static String capitalize(String text) {
        int first = text.isEmpty() ? 0 : text.offsetByCodePoints(0, 1);
        return text.substring(0, first).toUpperCase(Locale.ROOT) + text.substring(first).toLowerCase(Locale.ROOT);
    }

    private static String title(String text) {
        StringBuilder titled = new StringBuilder();
        boolean inWord = false;
        for (int point : text.codePoints().toArray()) {
            titled.appendCodePoint(inWord ? Character.toLowerCase(point) : Character.toTitleCase(point));
            inWord = Character.isLetter(point);
        }
        return titled.toString();
    }

    private static boolean affix(String text, boolean start, @Nullable Object affix, String use) {
        if (affix instanceof Tuple several) {
            return several.items().stream().anyMatch(one -> affix(text, start, one, use));
        }
        String one = Values.requireText(affix, use);
        return start ? text.startsWith(one) : text.endsWith(one);
    }

    private static Object find(String text, String name, Arguments arguments) {
        String use = "." + name + "()";
        Object[] values = arguments.bind(use, 1, "sub", "start", "end");
        String part = Values.requireText(values[0], use);
        int length = Texts.length(text);
        int from = values[1] == Arguments.MISSING ? 0 : bound(Values.requireInt(values[1], use), length);
        int to = values[2] == Arguments.MISSING ? length : bound(Values.requireInt(values[2], use), length);
        int start = text.offsetByCodePoints(0, from);
        String window = from > to ? "" : text.substring(start, text.offsetByCodePoints(0, to));
        int at = name.startsWith("r") ? Texts.lastIndexOf(window, part) : Texts.indexOf(window, part, 0);
        if (at < 0 || from > to) {
            if (name.endsWith("index")) {
                throw new EvaluationException("the text does not hold what " + use + " looks for");
            }
            return -1L;
        }
        return (long) from + window.codePointCount(0, at);
    }

    private static int bound(int index, int length) {
        return Math.max(0, Math.min(length, index < 0 ? index + length : index));
    }

    static String replace(Run run, String text, String old, String replacement, int count) {
        List<String> parts = old.isEmpty() ? between(text) : split(text, old, -1);
        int times = count < 0 ? parts.size() - 1 : Math.min(count, parts.size() - 1);
        run.reserve(text.length() + (long) times * replacement.length());
        StringBuilder result = new StringBuilder(parts.get(0));
        for (int i = 1; i < parts.size(); i++) {
            result.append(i <= times ? replacement : old).append(parts.get(i));
        }
        return result.toString();
    }

    /** An empty text is found before, between and behind all characters. */
    private static List<String> between(String text) {
        List<String> parts = new ArrayList<>();
        parts.add("");
        parts.addAll(Texts.characters(text));
        parts.add("");
        return parts;
    }

    static List<String> split(String text, @Nullable String separator, int limit) {
        if (separator == null) {
            return words(text, limit);
        }
        if (separator.isEmpty()) {
            throw new EvaluationException("a text cannot be split by an empty separator");
        }
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int at = Texts.indexOf(text, separator, 0); at >= 0 && parts.size() != limit;
                at = Texts.indexOf(text, separator, start)) {
            parts.add(text.substring(start, at));
            start = at + separator.length();
        }
        parts.add(text.substring(start));
        return parts;
    }

    private static List<String> words(String text, int limit) {
        List<String> words = new ArrayList<>();
        int start = wordEdge(text, 0, true);
        while (start < text.length()) {
            if (words.size() == limit) {
                words.add(Texts.stripEnd(text.substring(start)));
                break;
            }
            int end = wordEdge(text, start, false);
            words.add(text.substring(start, end));
            start = wordEdge(text, end, true);
        }
        return words;
    }

    /** Moves past white space, or past all else. */
    private static int wordEdge(String text, int from, boolean space) {
        int at = from;
        while (at < text.length() && Texts.isSpace(text.codePointAt(at)) == space) {
            at += Character.charCount(text.codePointAt(at));
        }
        return at;
    }

    private static List<String> splitFromEnd(String text, @Nullable String separator, int limit) {
        List<String> reversed = split(reverse(text), separator == null ? null : reverse(separator), limit);
        List<String> parts = new ArrayList<>(reversed.stream().map(TextMethods::reverse).toList());
        Collections.reverse(parts);
        return parts;
    }

    static String reverse(String text) {
        return new StringBuilder(text).reverse().toString();
    }

    static String join(Run run, String separator, List<@Nullable Object> parts, String use) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            String part = Values.requireText(parts.get(i), use);
            run.reserve(part.length() + separator.length());
            text.append(i == 0 ? "" : separator).append(part);
        }
        return text.toString();
    }

    private static String pad(Run run, String text, String name, Arguments arguments) {
        Object[] values = arguments.bind("." + name + "()", 1, "width", "fillchar");
        int missing = Math.max(0, Values.requireInt(values[0], "." + name + "()") - Texts.length(text));
        run.reserve(text.length() + (long) missing);
        String fill = name.equals("zfill") ? "0" : values[1] == Arguments.MISSING ? " "
            : Values.requireText(values[1], "." + name + "()");
        if (Texts.length(fill) != 1) {
            throw new EvaluationException("." + name + "() fills with one character");
        }
        boolean signed = name.equals("zfill") && !text.isEmpty() && "+-".indexOf(text.charAt(0)) >= 0;
        int width = missing + Texts.length(text);
        int left = name.equals("ljust") ? 0 : name.equals("center") ? missing / 2 + (missing & width & 1) : missing;
        return (signed ? text.substring(0, 1) : "") + fill.repeat(left) + text.substring(signed ? 1 : 0)
            + fill.repeat(missing - left);
    }
}
