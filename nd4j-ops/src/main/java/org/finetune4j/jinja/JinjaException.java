package org.finetune4j.jinja;

/** A template that cannot be read, that fails, or that refuses what it is given. */
public final class JinjaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int line;
    private final boolean refusal;

    JinjaException(int line, boolean refusal, String reason) {
        super(reason);
        this.line = line;
        this.refusal = refusal;
    }

    /** Returns the line of the template, from 1. */
    public int line() {
        return line;
    }

    /** Returns whether the template itself refused by {@code raise_exception}, rather than failed. */
    public boolean isRefusal() {
        return refusal;
    }
}
