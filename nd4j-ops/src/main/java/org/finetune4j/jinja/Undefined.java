package org.finetune4j.jinja;

/**
 * The value of what is not there: it prints as nothing and is false, but nothing can be done with it.
 *
 * @param reason what is missing
 */
record Undefined(String reason) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Undefined;
    }

    @Override
    public int hashCode() {
        return 0;
    }

    EvaluationException failure() {
        return new EvaluationException(reason);
    }
}
