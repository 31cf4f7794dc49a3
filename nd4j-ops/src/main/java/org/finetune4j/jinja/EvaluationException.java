package org.finetune4j.jinja;

/** An operation that its values do not allow; whoever runs the template adds the line. */
class EvaluationException extends RuntimeException {
    private static final long serialVersionUID = 1;

    EvaluationException(String message) {
        super(message, null, false, false);
    }

    /** What a template says by {@code raise_exception}. */
    static final class Refusal extends EvaluationException {
        private static final long serialVersionUID = 1;

        Refusal(String message) {
            super(message);
        }
    }
}
