package org.finetune4j.methods.data.formal;

import java.util.List;
import java.util.stream.Collectors;

/** A formal statement or a term of one, written with the operator first, such as {@code (< (+ a (* 2 b)) 7)}. */
public sealed interface Formula {
    /** What a formula stands for. */
    enum Type {
        /** A number. */
        NUMBER,
        /** True or false. */
        TRUTH
    }

    /** What it stands for. */
    Type type();

    /**
     * A whole number.
     *
     * @param value any
     */
    record Number(long value) implements Formula {
        @Override
        public Type type() {
            return Type.NUMBER;
        }

        @Override
        public String toString() {
            return Long.toString(value);
        }
    }

    /**
     * A variable that stands for a number.
     *
     * @param name one lower-case letter
     */
    record Variable(String name) implements Formula {
        @Override
        public Type type() {
            return Type.NUMBER;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /**
     * An operator with what it is applied to.
     *
     * @param operator which
     * @param parts    as many as it takes, each of the type it takes
     */
    record Applied(Operator operator, List<Formula> parts) implements Formula {
        /** Keeps an immutable copy. */
        public Applied {
            parts = List.copyOf(parts);
        }

        @Override
        public Type type() {
            return operator.result();
        }

        @Override
        public String toString() {
            return parts.stream().map(Formula::toString)
                    .collect(Collectors.joining(" ", "(" + operator.sign() + " ", ")"));
        }
    }
}
