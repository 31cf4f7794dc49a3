package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.data.Sample;

/** A selector that chooses among the same samples otherwise as the model changes, so that it may do so in every pass. */
public interface EpochSelector extends Selector {
    /** How many responses to these samples the model scores each time, at most. */
    long scoredResponses(List<Sample> samples);
}
