package org.finetune4j.jinja;

/**
 * A piece of a template.
 *
 * @param kind what it is
 * @param text its text; of a string literal what it stands for
 * @param line the line on which it begins, from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind { DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END }

    boolean is(Kind expected, String value) {
        return kind == expected && text.equals(value);
    }
}
