package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One rendering: how far it came, and what it may still use up. */
final class Run {
    /** Far beyond what any conversation needs; a template's endless or nested loops end here. */
    private static final long MAXIMUM_STEPS = 3_000_000;
    private static final long MAXIMUM_CHARACTERS = 500_000_000;
    private static final int MAXIMUM_DEPTH = 100;

    /** The line that runs. */
    int line = 1;
    /** The text that is made; what macros and set blocks print goes elsewhere for a while. */
    final StringBuilder output = new StringBuilder();
    /** The ranges of the output that a generation tag encloses. */
    final List<int[]> generations = new ArrayList<>();
    private long steps;
    private long characters;
    private int depth;

    void step() {
        if (++steps > MAXIMUM_STEPS) {
            throw new EvaluationException("the template takes more than " + MAXIMUM_STEPS + " steps");
        }
    }

    /** Accounts for a text or list before it is made. */
    void reserve(long size) {
        characters += size;
        if (characters > MAXIMUM_CHARACTERS || size < 0) {
            throw new EvaluationException("the template makes more than " + MAXIMUM_CHARACTERS + " characters of text");
        }
    }

    /** Accounts for what a function or filter made of values that were there already. */
    @Nullable Object made(@Nullable Object value) {
        if (value instanceof String text) {
            reserve(text.length());
        }
        return value;
    }

    void enter() {
        if (++depth > MAXIMUM_DEPTH) {
            throw new EvaluationException("macros call each other more than " + MAXIMUM_DEPTH + " deep");
        }
    }

    void leave() {
        depth--;
    }
}
