package org.finetune4j.generation;

import java.util.List;

/**
 * What was generated.
 *
 * @param request the request that it answers, counted from 0
 * @param sample  which of the request's texts it is, counted from 0; of a beam search the best is the first
 * @param tokens  the new tokens, without the stop token
 * @param choices log-probabilities of the tokens in order; empty unless the settings ask for them
 * @param reason  why it ended
 * @param score   of a beam search the log-probability, with the stop token, divided by the number of tokens to the power
 *                of the length penalty; otherwise not a number
 */
public record GeneratedTokens(int request, int sample, int[] tokens, List<TokenChoice> choices, EndReason reason,
                              double score) {
    /** Keeps an immutable copy of the choices. */
    public GeneratedTokens {
        choices = List.copyOf(choices);
    }
}
