package org.finetune4j.generation;

/**
 * Hears texts while they are generated, and may end them. Its methods are called on the thread that generates; of a beam
 * search only the ends are heard.
 */
public interface TextListener {
    /** Hears nothing. */
    TextListener NONE = new TextListener() {
    };

    /**
     * More of a text: whole characters, of which no stop string can take any away.
     *
     * @param request the request, counted from 0
     * @param sample  which of its texts, counted from 0
     * @param piece   not empty
     * @return false to end the text here; then nothing more is heard of it but its end
     */
    default boolean onText(int request, int sample, String piece) {
        return true;
    }

    /**
     * A text is done.
     *
     * @param ended texts that are done by now
     * @param all   texts that were asked for
     */
    default void onEnd(GeneratedText text, int ended, int all) {
    }

    /** Asked before every pass of the model; true ends every text, and another thread may decide it. */
    default boolean cancelled() {
        return false;
    }
}
