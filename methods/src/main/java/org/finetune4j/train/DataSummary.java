package org.finetune4j.train;

import java.util.List;
import org.finetune4j.data.LengthStatistics;

/**
 * What a plan found in the training data.
 *
 * @param notes   what records were taken for and why, and what was left out, a sentence each
 * @param lengths how long samples are in tokens, before anything is cut
 * @param cut     samples that lost a part or were cut into pieces for their length
 */
public record DataSummary(List<String> notes, LengthStatistics lengths, int cut) {
    /** Of data that could not be read. */
    public static final DataSummary NONE = new DataSummary(List.of(), LengthStatistics.NONE, 0);

    /** Keeps an immutable copy. */
    public DataSummary {
        notes = List.copyOf(notes);
    }
}
