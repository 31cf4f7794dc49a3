package org.finetune4j.generation.structure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A set of texts, as a tree over characters; a {@link Call} names a rule, which may lead back to itself. */
sealed interface Expression {
    /** The empty text. */
    Expression EMPTY = new Sequence(List.of());
    /** No text at all. */
    Expression NOTHING = new Choice(List.of());

    /** One character of a set. */
    record Chars(CharSet set) implements Expression {
    }

    /** One after the other. */
    record Sequence(List<Expression> parts) implements Expression {
    }

    /** One of several. */
    record Choice(List<Expression> parts) implements Expression {
    }

    /** From {@code least} to {@code most} times; {@code most} {@link #UNLIMITED} for no end. */
    record Repeat(Expression part, int least, int most) implements Expression {
        /** No upper bound. */
        static final int UNLIMITED = -1;
    }

    /** What a rule says. */
    record Call(String rule) implements Expression {
    }

    static Expression text(String text) {
        return new Sequence(text.codePoints().mapToObj(c -> (Expression) new Chars(CharSet.of(c, c))).toList());
    }

    static Expression chars(String characters) {
        return new Chars(CharSet.of(characters));
    }

    static Expression digits() {
        return new Chars(CharSet.of('0', '9'));
    }

    static Expression sequence(Expression... parts) {
        return new Sequence(List.of(parts));
    }

    static Expression choice(Expression... parts) {
        return new Choice(List.of(parts));
    }

    static Expression optional(Expression part) {
        return new Repeat(part, 0, 1);
    }

    static Expression any(Expression part) {
        return new Repeat(part, 0, Repeat.UNLIMITED);
    }

    /** Texts of the parts with a separator between them. */
    static Expression joined(Expression separator, Expression... parts) {
        List<Expression> all = new ArrayList<>();
        Arrays.stream(parts).forEach(part -> {
            if (!all.isEmpty()) {
                all.add(separator);
            }
            all.add(part);
        });
        return new Sequence(all);
    }

    /** From {@code least} to {@code most} items with separators between them. */
    static Expression list(Expression item, Expression separator, int least, int most) {
        if (most == 0) {
            return least == 0 ? EMPTY : NOTHING;
        }
        Expression more = new Repeat(sequence(separator, item), Math.max(0, least - 1),
                most == Repeat.UNLIMITED ? most : most - 1);
        Expression items = sequence(item, more);
        return least == 0 ? optional(items) : items;
    }
}
