package org.finetune4j.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.jinja.Token.Kind;

/**
 * Cuts a template into tokens, with the white space rules of {@code trim_blocks} and {@code lstrip_blocks}, as
 * transformers sets them.
 */
final class Lexer {
    private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%\\}", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}",
        Pattern.UNICODE_CHARACTER_CLASS);
    private static final String DIGITS = "\\d++(?:_\\d++)*+";
    /** Possessive throughout: a group that may give back again takes a frame of the stack for each round. */
    private static final Pattern NUMBER = Pattern.compile("0[bB](?:_?[01]++)++|0[oO](?:_?[0-7]++)++|"
        + "0[xX](?:_?[0-9a-fA-F]++)++|" + DIGITS + "(?:\\." + DIGITS + ")?+[eE][+-]?+" + DIGITS + "|" + DIGITS + "\\."
        + DIGITS + "|" + DIGITS);
    private static final List<String> OPERATORS = List.of("==", "!=", ">=", "<=", "//", "**", "+", "-", "/", "*", "%", "~",
        "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";");

    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private boolean lineStarting = true;

    private Lexer(String text) {
        this.text = text;
    }

    /**
     * Cuts a template.
     *
     * @throws JinjaException if a tag, comment or text is not closed or a character is not known
     */
    static List<Token> tokenize(String source) {
        String text = source.replace("\r\n", "\n").replace('\r', '\n');
        if (text.endsWith("\n")) {
            text = text.substring(0, text.length() - 1);
        }
        Lexer lexer = new Lexer(text);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (position < text.length()) {
            int tag = nextTag();
            if (tag < 0) {
                data(text.substring(position));
                break;
            }
            char sign = tag + 2 < text.length() ? text.charAt(tag + 2) : ' ';
            char kind = text.charAt(tag + 1);
            String before = text.substring(position, tag);
            data(sign == '-' ? Texts.stripEnd(before) : kind != '{' && sign != '+' ? withoutIndentation(before) : before);
            advance(tag);
            Matcher raw = RAW.matcher(text).region(tag, text.length());
            if (kind == '#') {
                comment();
            } else if (kind == '%' && raw.lookingAt()) {
                raw(raw);
            } else {
                code(kind == '{', sign == '-' || sign == '+' ? 3 : 2);
            }
            lineStarting = text.charAt(position - 1) == '\n';
        }
        add(Kind.END, "");
    }

    private int nextTag() {
        for (int at = text.indexOf('{', position); at >= 0; at = text.indexOf('{', at + 1)) {
            if (at + 1 < text.length() && "%{#".indexOf(text.charAt(at + 1)) >= 0) {
                return at;
            }
        }
        return -1;
    }

    private String withoutIndentation(String before) {
        int lineStart = before.lastIndexOf('\n') + 1;
        boolean own = lineStart > 0 || lineStarting;
        return own && Texts.isBlank(before.substring(lineStart)) ? before.substring(0, lineStart) : before;
    }

    private void data(String value) {
        if (!value.isEmpty()) {
            add(Kind.DATA, value);
        }
    }

    private void add(Kind kind, String value) {
        tokens.add(new Token(kind, value, line));
    }

    /** Moves on and counts lines. */
    private void advance(int end) {
        for (; position < end; position++) {
            line += text.charAt(position) == '\n' ? 1 : 0;
        }
    }

    /** Moves behind a closed tag: past all white space, or past one line break. */
    private void advanceBehind(int end, char sign, boolean trimLineBreak) {
        int to = end;
        if (sign == '-') {
            while (to < text.length() && Texts.isSpace(text.codePointAt(to))) {
                to++;
            }
        } else if (trimLineBreak && sign != '+' && to < text.length() && text.charAt(to) == '\n') {
            to++;
        }
        advance(to);
    }

    private void comment() {
        int end = text.indexOf("#}", position + 2);
        if (end < 0) {
            throw failed("the comment is not closed");
        }
        advanceBehind(end + 2, text.charAt(end - 1), true);
    }

    private void raw(Matcher begin) {
        advanceBehind(begin.end(), begin.group(1).isEmpty() ? ' ' : '-', false);
        Matcher end = END_RAW.matcher(text);
        if (!end.find(position)) {
            throw failed("the tag 'raw' is not closed by 'endraw'");
        }
        String inside = text.substring(position, end.start());
        data(end.group(1).equals("-") ? Texts.stripEnd(inside) : end.group(1).isEmpty() ? withoutIndentation(inside)
            : inside);
        advance(end.start());
        advanceBehind(end.end(), end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0), true);
    }

    private void code(boolean print, int beginLength) {
        int begun = line;
        add(print ? Kind.PRINT_BEGIN : Kind.BLOCK_BEGIN, "");
        position += beginLength;
        String close = print ? "}}" : "%}";
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            while (position < text.length() && Texts.isSpace(text.charAt(position))) {
                advance(position + 1);
            }
            if (position >= text.length()) {
                throw new JinjaException(begun, false, "the tag '" + (print ? "{{" : "{%") + "' is not closed");
            }
            char character = text.charAt(position);
            boolean signed = (character == '-' || character == '+' && !print) && text.startsWith(close, position + 1);
            if (open.isEmpty() && (signed || text.startsWith(close, position))) {
                add(print ? Kind.PRINT_END : Kind.BLOCK_END, "");
                advanceBehind(position + (signed ? 3 : 2), signed ? character : ' ', !print);
                return;
            }
            token(character, open);
        }
    }

    private void token(char character, Deque<Character> open) {
        if (character == '"' || character == '\'') {
            string(character);
            return;
        }
        Matcher number = NUMBER.matcher(text).region(position, text.length());
        if (Character.isDigit(character) && number.lookingAt()) {
            String digits = number.group().replace("_", "");
            boolean integer = digits.matches("0[bBoOxX].*|\\d+");
            // The index in a.0.1 is no fraction.
            if (!integer && !tokens.isEmpty() && tokens.get(tokens.size() - 1).is(Kind.OPERATOR, ".")) {
                digits = digits.substring(0, digits.indexOf('.'));
                add(Kind.INTEGER, digits);
                position += digits.length();
                return;
            }
            add(integer ? Kind.INTEGER : Kind.FLOAT, digits);
            position = number.end();
            return;
        }
        if (Character.isUnicodeIdentifierStart(text.codePointAt(position)) || character == '_') {
            int end = position;
            while (end < text.length() && (Character.isUnicodeIdentifierPart(text.codePointAt(end))
                    && !Character.isIdentifierIgnorable(text.codePointAt(end)) || text.charAt(end) == '_')) {
                end += Character.charCount(text.codePointAt(end));
            }
            add(Kind.NAME, text.substring(position, end));
            position = end;
            return;
        }
        for (String operator : OPERATORS) {
            if (text.startsWith(operator, position)) {
                balance(character, open);
                add(Kind.OPERATOR, operator);
                position += operator.length();
                return;
            }
        }
        throw failed("the character '" + character + "' is not expected");
    }

    private void balance(char character, Deque<Character> open) {
        int opening = "([{".indexOf(character);
        if (opening >= 0) {
            open.push(")]}".charAt(opening));
        } else if (")]}".indexOf(character) >= 0 && (open.isEmpty() || open.pop() != character)) {
            throw failed("the bracket '" + character + "' closes nothing");
        }
    }

    private void string(char quote) {
        int end = position + 1;
        while (end < text.length() && text.charAt(end) != quote) {
            end += text.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= text.length()) {
            throw failed("the text that begins with " + quote + " is not closed");
        }
        try {
            add(Kind.STRING, Texts.unescape(text.substring(position + 1, end)));
        } catch (EvaluationException e) {
            throw failed(e.getMessage());
        }
        advance(end + 1);
    }

    private JinjaException failed(String reason) {
        return new JinjaException(line, false, reason);
    }
}
