package org.finetune4j.generation;

import org.jspecify.annotations.Nullable;

/** Hears what is generated while it is, and may end it. Its methods are called on the thread that generates. */
public interface TokenListener {
    /** Hears nothing. */
    TokenListener NONE = new TokenListener() {
    };

    /**
     * A new token of a text, which is not a stop token.
     *
     * @return null to go on, or why the text ends with this token
     */
    default @Nullable EndReason onToken(int request, int sample, int token) {
        return null;
    }

    /** A text is done. */
    default void onEnd(GeneratedTokens text) {
    }

    /** Asked before every pass of the model; true ends every text with {@link EndReason#CANCELLED}. */
    default boolean cancelled() {
        return false;
    }
}
