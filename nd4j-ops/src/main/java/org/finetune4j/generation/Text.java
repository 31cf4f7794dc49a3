package org.finetune4j.generation;

import java.util.Arrays;
import org.finetune4j.model.DecodingEngine.Feed;

/** A prompt and what has been added to it. */
final class Text {
    private final int index;
    private final int[] prompt;
    private final int mostPlaces;
    private int read;
    private int[] added = new int[16];
    private int count;
    private int slot;

    /**
     * A text to be continued.
     *
     * @param index      its number among all
     * @param prompt     its tokens
     * @param mostPlaces tokens that it has at most with what is added
     */
    Text(int index, int[] prompt, int mostPlaces) {
        this.index = index;
        this.prompt = prompt;
        this.mostPlaces = mostPlaces;
    }

    int index() {
        return index;
    }

    int promptTokens() {
        return prompt.length;
    }

    int mostPlaces() {
        return mostPlaces;
    }

    /** Places that it needs for its next pass to be read whole. */
    int places() {
        return prompt.length + count;
    }

    int slot() {
        return slot;
    }

    void moveTo(int newSlot) {
        slot = newSlot;
    }

    /** Whether part of its prompt is still to be read. */
    boolean readsPrompt() {
        return read < prompt.length;
    }

    /** The next tokens that the model has not seen: of the prompt at most so many, or the last new token. */
    Feed next(int mostTokens) {
        if (!readsPrompt()) {
            return new Feed(slot, new int[] {added[count - 1]});
        }
        int from = read;
        read = (int) Math.min(prompt.length, (long) from + mostTokens);
        return new Feed(slot, prompt, from, read);
    }

    /** The number of new tokens. */
    int count() {
        return count;
    }

    void add(int token) {
        if (count == added.length) {
            added = Arrays.copyOf(added, 2 * count);
        }
        added[count++] = token;
    }

    int[] added() {
        return Arrays.copyOf(added, count);
    }
}
