package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Fragment;

/** Chooses what is trained on, once before training, by the weights that training starts from. */
public interface Selector extends Fragment {
    /**
     * The samples to train on, in the order of the input.
     *
     * @throws org.finetune4j.FinetuneException when there is nothing to choose, or nothing is left
     */
    Selection select(List<Sample> samples, ResponseScorer scorer);

    /**
     * What was chosen.
     *
     * @param samples what to train on; none has candidates any more
     * @param report  what to tell the user, by name, such as the share of each source
     */
    record Selection(List<Sample> samples, java.util.Map<String, String> report) {
    }
}
