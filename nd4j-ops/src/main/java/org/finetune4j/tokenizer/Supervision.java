package org.finetune4j.tokenizer;

/**
 * Which tokens of a conversation are learned.
 *
 * @param turns whose words
 * @param endOfTurn whether the token that ends a learned turn is learned too; a model that is trained without it, and
 *     did not know it before, never stops
 */
public record Supervision(Turns turns, boolean endOfTurn) {
    /** Every turn of the assistant, with its end. */
    public static final Supervision ASSISTANT = new Supervision(Turns.ASSISTANT, true);
    /** The assistant's last turn, with its end. */
    public static final Supervision LAST = new Supervision(Turns.LAST, true);
    /** Everything. */
    public static final Supervision ALL_TEXT = new Supervision(Turns.ALL_TEXT, true);

    /** Returns this supervision without the tokens that end turns. */
    public Supervision withoutEndOfTurn() {
        return new Supervision(turns, false);
    }
}
