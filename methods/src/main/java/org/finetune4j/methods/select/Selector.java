package org.finetune4j.methods.select;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
     * The field of a data record that holds the list of candidate responses; empty when this selector does not choose
     * among candidates.
     */
    default String candidates() {
        return "";
    }

    /**
     * What was chosen.
     *
     * @param samples what to train on; none has candidates any more
     * @param scored  every response that was scored, chosen or not, in the order of the input
     * @param report  what to tell the user, by name and in order, such as the share of each source
     */
    record Selection(List<Sample> samples, List<Scored> scored, Map<String, String> report) {
        /** Keeps immutable copies; the report keeps its order. */
        public Selection {
            samples = List.copyOf(samples);
            scored = List.copyOf(scored);
            report = Collections.unmodifiableMap(new LinkedHashMap<>(report));
        }

        /** A selection that scored nothing. */
        public Selection(List<Sample> samples, Map<String, String> report) {
            this(samples, List.of(), report);
        }
    }

    /**
     * The score of one response.
     *
     * @param sample id of the sample that offered it
     * @param source where the response came from
     * @param score  what it was ranked by
     * @param chosen whether it is trained on
     */
    record Scored(String sample, String source, double score, boolean chosen) {
    }
}
