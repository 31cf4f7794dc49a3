package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Texts as Python sees them: sequences of characters (code points), with its idea of white space and escapes. */
final class Texts {
    /** The library looks for a part in a time that grows with the product of the lengths, which only a short part may. */
    private static final int SHORT = 64;

    private Texts() {}

    /** Python's {@code str.isspace} for one character. */
    static boolean isSpace(int point) {
        return point >= 9 && point <= 13 || point >= 0x1c && point <= 0x20 || point == 0x85
            || point > 0x85 && Character.isSpaceChar(point);
    }

    static boolean isBlank(String text) {
        return text.codePoints().allMatch(Texts::isSpace);
    }

    static String stripEnd(String text) {
        return strip(text, null, false, true);
    }

    /** Python takes the argument for a set of characters, and white space where there is none. */
    static String strip(String text, @Nullable String characters, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && isStripped(text.codePointAt(start), characters)) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && end > start && isStripped(text.codePointBefore(end), characters)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean isStripped(int point, @Nullable String characters) {
        return characters == null ? isSpace(point) : characters.indexOf(point) >= 0;
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** The character at an index below the length. */
    static String at(String text, int index) {
        int start = text.offsetByCodePoints(0, index);
        return text.substring(start, text.offsetByCodePoints(start, 1));
    }

    static List<String> characters(String text) {
        List<String> characters = new ArrayList<>(text.length());
        text.codePoints().forEach(point -> characters.add(Character.toString(point)));
        return characters;
    }

    /** Where a part is first found at or behind an index, or -1, in a time that grows with the sum of the lengths. */
    static int indexOf(String text, String part, int from) {
        if (part.length() <= SHORT) {
            return text.indexOf(part, from);
        }
        // Knuth, Morris and Pratt: how long a beginning of the part ends at each of its places, itself left aside.
        int[] borders = new int[part.length()];
        for (int i = 1; i < borders.length; i++) {
            borders[i] = matched(part, borders, borders[i - 1], part.charAt(i));
        }
        int matched = 0;
        for (int at = from; at < text.length(); at++) {
            matched = matched(part, borders, matched, text.charAt(at));
            if (matched == part.length()) {
                return at + 1 - matched;
            }
        }
        return -1;
    }

    private static int matched(String part, int[] borders, int before, char next) {
        int length = before;
        while (length > 0 && part.charAt(length) != next) {
            length = borders[length - 1];
        }
        return part.charAt(length) == next ? length + 1 : 0;
    }

    /** Where a part is last found, or -1. */
    static int lastIndexOf(String text, String part) {
        if (part.length() <= SHORT) {
            return text.lastIndexOf(part);
        }
        int fromEnd = indexOf(TextMethods.reverse(text), TextMethods.reverse(part), 0);
        return fromEnd < 0 ? -1 : text.length() - fromEnd - part.length();
    }

    /** Python compares by characters, where Java would put those beyond U+FFFF before some below. */
    static int compare(String left, String right) {
        int at = 0;
        while (at < left.length() && at < right.length() && left.charAt(at) == right.charAt(at)) {
            at++;
        }
        if (at == left.length() || at == right.length()) {
            return Integer.compare(left.length(), right.length());
        }
        char a = left.charAt(at);
        char b = right.charAt(at);
        boolean surrogates = Character.isSurrogate(a) != Character.isSurrogate(b);
        return surrogates ? (Character.isSurrogate(a) ? 1 : -1) : Character.compare(a, b);
    }

    /** Python's {@code str.splitlines} without the line ends. */
    static List<String> lines(String text, boolean keepEnds) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        for (int at = 0; at < text.length(); at++) {
            char character = text.charAt(at);
            if (character >= 0x0a && character <= 0x0d || character >= 0x1c && character <= 0x1e || character == 0x85
                    || character == 0x2028 || character == 0x2029) {
                int end = at;
                at += character == '\r' && at + 1 < text.length() && text.charAt(at + 1) == '\n' ? 1 : 0;
                lines.add(text.substring(start, keepEnds ? at + 1 : end));
                start = at + 1;
            }
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    /** What a literal stands for, by Python's escapes; an unknown one stands for itself. */
    static String unescape(String literal) {
        if (literal.indexOf('\\') < 0) {
            return literal;
        }
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < literal.length(); at++) {
            char character = literal.charAt(at);
            if (character != '\\') {
                text.append(character);
                continue;
            }
            char escape = literal.charAt(++at);
            int simple = "\\'\"abfnrtv".indexOf(escape);
            int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
            if (simple >= 0) {
                text.append("\\'\"\u0007\b\f\n\r\t\u000b".charAt(simple));
            } else if (digits > 0) {
                text.appendCodePoint(hexadecimal(literal, at + 1, digits));
                at += digits;
            } else if (escape >= '0' && escape <= '7') {
                int end = at + 1;
                while (end < literal.length() && end < at + 3 && literal.charAt(end) >= '0' && literal.charAt(end) <= '7') {
                    end++;
                }
                text.append((char) Integer.parseInt(literal.substring(at, end), 8));
                at = end - 1;
            } else if (escape != '\n') {
                text.append('\\').append(escape);
            }
        }
        return text.toString();
    }

    private static int hexadecimal(String literal, int start, int digits) {
        String code = literal.substring(start, Math.min(literal.length(), start + digits));
        if (!code.matches("[0-9a-fA-F]{" + digits + "}") || Long.parseLong(code, 16) > Character.MAX_CODE_POINT) {
            throw new EvaluationException("the escape of " + digits + " digits '" + code + "' is no character");
        }
        return Integer.parseInt(code, 16);
    }

    /** Python's {@code repr} of a text. */
    static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder quoted = new StringBuilder().append(quote);
        text.codePoints().forEach(point -> {
            int simple = "\\\n\r\t".indexOf(point);
            if (simple >= 0) {
                quoted.append('\\').append("\\nrt".charAt(simple));
            } else if (point == quote) {
                quoted.append('\\').append(quote);
            } else if (isPrintable(point)) {
                quoted.appendCodePoint(point);
            } else {
                quoted.append(String.format(point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x", point));
            }
        });
        return quoted.append(quote).toString();
    }

    private static boolean isPrintable(int point) {
        if (point == ' ') {
            return true;
        }
        return switch (Character.getType(point)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }
}
