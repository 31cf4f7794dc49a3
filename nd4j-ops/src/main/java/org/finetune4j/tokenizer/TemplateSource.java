package org.finetune4j.tokenizer;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Rewrites a template so that jinjava reads it as Python's Jinja2 does with {@code trim_blocks} and {@code lstrip_blocks}.
 *
 * <p>White space around tags is removed here, by Jinja2's rules, because the engine's own handling differs from them in
 * the middle of a line. Removed line breaks stay inside comments, so that the engine counts lines as the author does.
 */
final class TemplateSource {
    private static final Pattern RAW = Pattern.compile("[-+]?\\s*raw\\s*([-+]?)%\\}");
    private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");

    private static final Pattern LOOP = Pattern.compile("for\\s+([\\w\\s,()]+?)\\s+in\\s");

    private final String text;
    private final StringBuilder result = new StringBuilder();
    private final Deque<String> open = new ArrayDeque<>();
    private int position;
    private int filteredLoops;
    private boolean lineStarting = true;

    private TemplateSource(String text) {
        this.text = text;
    }

    /**
     * Returns a template that needs no white space control.
     *
     * @throws IllegalArgumentException if a tag is not closed or not known here; the message names its line
     */
    static String normalise(String source) {
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        if (text.endsWith("\n")) {
            text = text.substring(0, text.length() - 1);
        }
        return new TemplateSource(text).normalise();
    }

    private String normalise() {
        while (position < text.length()) {
            int tag = nextTag(position);
            if (tag < 0) {
                result.append(text, position, text.length());
                break;
            }
            char kind = text.charAt(tag + 1);
            char sign = tag + 2 < text.length() ? text.charAt(tag + 2) : ' ';
            appendText(text.substring(position, tag), sign == '-', kind != '{' && sign != '+');
            Matcher raw = RAW.matcher(text).region(tag + 2, text.length());
            if (kind == '#') {
                comment(tag);
            } else if (kind == '%' && raw.lookingAt()) {
                rawBlock(raw);
            } else {
                code(tag, kind, sign == '-' || sign == '+' && kind == '%' ? tag + 3 : tag + 2);
            }
        }
        return result.toString();
    }

    private int nextTag(int from) {
        for (int at = text.indexOf('{', from); at >= 0; at = text.indexOf('{', at + 1)) {
            if (at + 1 < text.length() && "%{#".indexOf(text.charAt(at + 1)) >= 0) {
                return at;
            }
        }
        return -1;
    }

    /** Writes text in front of a tag: without its trailing white space, or without the indentation of the tag's line. */
    private void appendText(String part, boolean strip, boolean stripIndentation) {
        int length = keptLength(part, strip, stripIndentation);
        result.append(part, 0, length);
        keepLineBreaks(part.substring(length));
    }

    private int keptLength(String part, boolean strip, boolean stripIndentation) {
        int end = part.length();
        while (end > 0 && PythonMethods.isSpace(part.charAt(end - 1))) {
            end--;
        }
        int lineStart = part.lastIndexOf('\n') + 1;
        if (!strip) {
            boolean indentation = stripIndentation && end <= lineStart && (lineStart > 0 || lineStarting);
            return indentation ? lineStart : part.length();
        }
        return end;
    }

    private void keepLineBreaks(String removed) {
        long breaks = removed.chars().filter(character -> character == '\n').count();
        if (breaks > 0) {
            result.append("{#").append("\n".repeat((int) breaks)).append("#}");
        }
    }

    private void comment(int tag) {
        int close = text.indexOf("#}", tag + 2);
        if (close < 0) {
            throw unclosed(tag);
        }
        keepLineBreaks(text.substring(tag, close));
        skipAfter(close + 2, text.charAt(close - 1), true);
    }

    private void rawBlock(Matcher raw) {
        Matcher end = END_RAW.matcher(text);
        if (!end.find(raw.end())) {
            throw unclosed(raw.regionStart() - 2);
        }
        skipAfter(raw.end(), signOf(raw.group(1)), false);
        String kept = text.substring(Math.min(position, end.start()), end.start());
        int length = keptLength(kept, end.group(1).equals("-"), !end.group(1).equals("+"));
        result.append("{% raw %}").append(kept, 0, length).append("{% endraw %}");
        keepLineBreaks(kept.substring(length));
        skipAfter(end.end(), signOf(end.group(2)), true);
    }

    private static char signOf(String sign) {
        return sign.isEmpty() ? ' ' : sign.charAt(0);
    }

    private void code(int tag, char kind, int start) {
        int close = closeOf(start, kind == '%' ? '%' : '}');
        if (close < 0) {
            throw unclosed(tag);
        }
        char sign = text.charAt(close - 1);
        boolean signed = close > start && (sign == '-' || sign == '+' && kind == '%');
        String written = text.substring(start, signed ? close - 1 : close).strip();
        // The default values of a macro are not arguments of a call.
        String code = written.startsWith("macro ") ? written : PythonExpression.rewrite(written);
        if (kind == '%') {
            checkNesting(code, tag);
            result.append(filteredLoop(code, tag)).append("%}");
        } else {
            result.append("{{ ").append(code).append(" }}");
        }
        skipAfter(close + 2, signed ? sign : ' ', kind == '%');
    }

    /** The engine would run the {@code else} of a loop once for every item, not when there is none. */
    private void checkNesting(String code, int tag) {
        String word = code.substring(0, PythonExpression.endOfWord(code, 0));
        if (word.equals("for") || word.equals("if")) {
            open.push(word);
        } else if (word.equals("endfor") || word.equals("endif")) {
            if (open.isEmpty() || !word.equals("end" + open.pop())) {
                throw new IllegalArgumentException("template line " + lineOf(tag) + ": '" + word
                    + "' closes nothing that is open");
            }
        } else if (word.equals("else") && "for".equals(open.peek())) {
            throw new IllegalArgumentException("template line " + lineOf(tag) + ": the 'else' of a loop is not known"
                + " here");
        }
    }

    /**
     * Returns the beginning of a tag. The engine does not know {@code for x in list if condition}: the items that it lets
     * through are collected first.
     */
    private String filteredLoop(String code, int tag) {
        Matcher loop = LOOP.matcher(code);
        int condition = loop.lookingAt() ? outerIf(code, loop.end()) : -1;
        if (condition < 0) {
            return "{% " + code + " ";
        }
        String item = loop.group(1).strip();
        if (item.contains(",")) {
            throw new IllegalArgumentException("template line " + lineOf(tag) + ": a loop over several variables with a"
                + " condition is not known here");
        }
        String list = "filtered_loop_" + filteredLoops++;
        return "{% set " + list + " = [] %}{% for " + item + " in " + code.substring(loop.end(), condition)
            + " %}{% if " + code.substring(condition + 2) + " %}{% do " + list + ".append(" + item
            + ") %}{% endif %}{% endfor %}{% for " + item + " in " + list + " ";
    }

    private static int outerIf(String code, int from) {
        int depth = 0;
        for (int at = from; at < code.length(); at++) {
            char character = code.charAt(at);
            if (character == '"' || character == '\'') {
                at = PythonExpression.endOfText(code, at);
            } else if (Character.isJavaIdentifierPart(character)) {
                int end = PythonExpression.endOfWord(code, at);
                if (depth == 0 && code.substring(at, end).equals("if")) {
                    return at;
                }
                at = end - 1;
            } else {
                depth += "([{".indexOf(character) >= 0 ? 1 : ")]}".indexOf(character) >= 0 ? -1 : 0;
            }
        }
        return -1;
    }

    /** Finds where a tag closes, past texts in quotes and brackets of its own. */
    private int closeOf(int start, char mark) {
        int depth = 0;
        for (int at = start; at + 1 < text.length(); at++) {
            char character = text.charAt(at);
            if (depth == 0 && character == mark && text.charAt(at + 1) == '}') {
                return at;
            }
            if (character == '"' || character == '\'') {
                at = PythonExpression.endOfText(text, at);
            } else if ("([{".indexOf(character) >= 0) {
                depth++;
            } else if (")]}".indexOf(character) >= 0) {
                depth--;
            }
        }
        return -1;
    }

    /** Moves behind a tag: past all white space, or past one line break. */
    private void skipAfter(int end, char sign, boolean trimLineBreak) {
        position = end;
        if (sign == '-') {
            while (position < text.length() && PythonMethods.isSpace(text.charAt(position))) {
                position++;
            }
        } else if (trimLineBreak && sign != '+' && position < text.length() && text.charAt(position) == '\n') {
            position++;
        }
        keepLineBreaks(text.substring(end, position));
        lineStarting = text.charAt(position - 1) == '\n';
    }

    private long lineOf(int tag) {
        return 1 + text.substring(0, tag).chars().filter(character -> character == '\n').count();
    }

    private IllegalArgumentException unclosed(int tag) {
        return new IllegalArgumentException("template line " + lineOf(tag) + ": the tag '"
            + text.substring(tag, Math.min(text.length(), tag + 20)).lines().findFirst().orElse("") + "' is not closed");
    }
}
