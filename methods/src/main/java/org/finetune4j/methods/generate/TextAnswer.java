package org.finetune4j.methods.generate;

/**
 * An answer.
 *
 * @param text         without end token, white space at its ends left as it is
 * @param complete     whether it ended by itself and was not cut off
 * @param promptTokens tokens that were read for it, 0 where nobody says
 * @param newTokens    tokens of it, 0 where nobody says
 */
public record TextAnswer(String text, boolean complete, int promptTokens, int newTokens) {
}
