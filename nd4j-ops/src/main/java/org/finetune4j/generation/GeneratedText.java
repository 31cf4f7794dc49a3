package org.finetune4j.generation;

/**
 * A text that was generated.
 *
 * @param text   without stop token and stop string
 * @param tokens what it was made of; with a stop string the tokens reach to the string's end
 */
public record GeneratedText(String text, GeneratedTokens tokens) {
    /** Why it ended. */
    public EndReason reason() {
        return tokens.reason();
    }

    @Override
    public String toString() {
        return text;
    }
}
