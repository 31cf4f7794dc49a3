package org.finetune4j.data;

import java.util.List;

/** What is trained on in each pass over the data, where passes differ. */
public interface EpochStage {
    /**
     * The samples of one pass, which must depend on nothing but the arguments.
     *
     * @param all   the samples of the run
     * @param epoch number of the pass, 0 for the first
     * @return as many as there are, in the same order
     */
    List<Example> examples(List<Example> all, int epoch);
}
