package org.finetune4j.data;

import java.util.List;

/**
 * What one pass over the training data found.
 *
 * @param rows    rows that were read
 * @param notes   what happened to them, a sentence each
 * @param prompts what the rows leave for {@link Overlap} to find them by
 * @param encoded the rows encoded
 */
public record ReadData(int rows, List<String> notes, long[] prompts, EncodedSamples encoded) {
    /** Keeps an immutable copy of the notes; the array is not copied, and nobody may change it. */
    public ReadData {
        notes = List.copyOf(notes);
    }
}
