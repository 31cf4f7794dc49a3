package org.finetune4j.tokenizer;

import java.util.Set;

/**
 * Rewrites the parts of Python's expressions that jinjava reads otherwise.
 *
 * <p>{@code not a is b} means {@code not (a is b)} in Python but {@code (not a) is b} there; {@code f(a=b - 1)} is read as
 * {@code f((a=b) - 1)}; and {@code [::-1]} is not known, but a filter does the same.
 */
final class PythonExpression {
    private static final String REVERSED = "[::-1]";
    private static final Set<String> ENDS_OF_NOT = Set.of("and", "or", "if", "else");

    /** What is being copied, which says where it ends. */
    private enum Part { WHOLE, BRACKET, ARGUMENT, DENIED }

    private final String code;
    private final StringBuilder result = new StringBuilder();
    private int position;

    private PythonExpression(String code) {
        this.code = code;
    }

    static String rewrite(String code) {
        PythonExpression expression = new PythonExpression(code);
        expression.copy(Part.WHOLE);
        return expression.result.toString();
    }

    private void copy(Part part) {
        String earlier = "";
        while (position < code.length()) {
            char character = code.charAt(position);
            if (endsAt(part, character)) {
                return;
            }
            if (character == '"' || character == '\'') {
                appendUntil(Math.min(code.length(), endOfText(code, position) + 1));
                earlier = "";
            } else if (Character.isJavaIdentifierPart(character)) {
                int end = endOfWord(code, position);
                String word = code.substring(position, end);
                if (part == Part.DENIED && ENDS_OF_NOT.contains(word)) {
                    return;
                }
                appendUntil(end);
                if (word.equals("not") && !earlier.equals("is") && !nextWord().equals("in")) {
                    copyInParentheses(Part.DENIED);
                }
                earlier = word;
            } else if (code.startsWith(REVERSED, position)) {
                result.append("|reverse|list");
                position += REVERSED.length();
            } else if (part == Part.BRACKET && isAssignment()) {
                appendUntil(position + 1);
                copyInParentheses(Part.ARGUMENT);
            } else {
                appendUntil(position + 1);
                if (part == Part.BRACKET && isClosing(character)) {
                    return;
                }
                if ("([{".indexOf(character) >= 0) {
                    copy(Part.BRACKET);
                }
                earlier = Character.isWhitespace(character) ? earlier : "";
            }
        }
    }

    /** An argument ends before the comma or bracket behind it; a bracket ends behind its own closing one. */
    private static boolean endsAt(Part part, char character) {
        return (part == Part.ARGUMENT || part == Part.DENIED) && (character == ',' || isClosing(character));
    }

    private static boolean isClosing(char character) {
        return ")]}".indexOf(character) >= 0;
    }

    private void copyInParentheses(Part part) {
        result.append(" (");
        copy(part);
        result.append(") ");
    }

    private boolean isAssignment() {
        return code.charAt(position) == '='
            && "=!<>".indexOf(code.charAt(position - 1)) < 0
            && (position + 1 == code.length() || code.charAt(position + 1) != '=');
    }

    private void appendUntil(int end) {
        result.append(code, position, end);
        position = end;
    }

    private String nextWord() {
        int start = position;
        while (start < code.length() && Character.isWhitespace(code.charAt(start))) {
            start++;
        }
        return code.substring(start, endOfWord(code, start));
    }

    static int endOfWord(String code, int start) {
        int end = start;
        while (end < code.length() && Character.isJavaIdentifierPart(code.charAt(end))) {
            end++;
        }
        return end;
    }

    /** Returns the index of the quote that closes the text beginning at {@code start}, or the last index. */
    static int endOfText(String code, int start) {
        for (int at = start + 1; at < code.length(); at++) {
            if (code.charAt(at) == '\\') {
                at++;
            } else if (code.charAt(at) == code.charAt(start)) {
                return at;
            }
        }
        return code.length() - 1;
    }
}
