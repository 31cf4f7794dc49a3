package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.methods.Fragment;

/** Scores generated answers against reference answers. */
public interface Metric extends Fragment {
    /**
     * Scores predictions.
     *
     * @param predictions generated texts
     * @param references  one reference answer per prediction
     * @throws org.finetune4j.FinetuneException when there is nothing to score or the lists differ in length
     */
    MetricResult score(List<String> predictions, List<String> references);
}
