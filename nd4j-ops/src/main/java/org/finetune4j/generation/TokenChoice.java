package org.finetune4j.generation;

import java.util.List;

/**
 * A token that was chosen, with natural log-probabilities of the model's own distribution: before penalties, temperature
 * and anything else that the settings do to it, over the tokens of the tokenizer.
 *
 * @param token          the chosen one
 * @param logProbability its log-probability
 * @param alternatives   the most probable tokens in falling order, as many as were asked for; the chosen one may be
 *                       among them
 */
public record TokenChoice(int token, double logProbability, List<Alternative> alternatives) {
    /** Keeps an immutable copy. */
    public TokenChoice {
        alternatives = List.copyOf(alternatives);
    }

    /** A token that might have been chosen. */
    public record Alternative(int token, double logProbability) {
    }
}
