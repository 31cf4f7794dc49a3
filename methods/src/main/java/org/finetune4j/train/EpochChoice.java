package org.finetune4j.train;

import java.util.List;
import org.finetune4j.data.Example;

/** What is trained on in each pass over the data, chosen anew at its start by the weights of that time. */
public interface EpochChoice extends RunState {
    /**
     * The samples of one pass: those that were chosen or restored for it, or where there are none yet, chosen now.
     *
     * @param epoch number of the pass, 0 for the first
     * @return at least one
     */
    List<Example> examples(int epoch);
}
