package org.finetune4j.methods.select;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.TextWork;

/**
 * Chooses what is trained on, once before training, by the weights that training starts from; an {@link EpochSelector} may do so
 * in every pass.
 */
public interface Selector extends Selecting {
    /** What a selector does, by which it is decided what may come before and after it. */
    enum Trait {
        /** It chooses among candidate responses, or among samples with one prompt, and is refused without a choice. */
        CHOOSES_AMONG_CANDIDATES,
        /** It decides which response a prompt is trained with, and leaves one. */
        CHOOSES_TARGET,
        /** It sends each prompt to the response that it already has or to one of the model's own. */
        ROUTES_TARGET,
        /** It repeats samples on purpose, so that they count more. */
        REWEIGHTS,
        /** It takes samples that say the same for one. */
        DROPS_REPETITIONS,
        /** It chooses prompts for an objective that learns from the policy's own answers. */
        FILTERS_FOR_ROLLOUTS
    }

    /**
     * The samples to train on, in the order of the input unless the selector says otherwise.
     *
     * @throws org.finetune4j.FinetuneException when there is nothing to choose, or nothing is left
     */
    Selection select(List<Sample> samples, SelectionContext context);

    /** What it does, for the rules of composition. */
    Set<Trait> traits();

    /**
     * What stands against selecting from these samples, found before any weight is loaded: one sentence each, with the
     * row and the field that it is about.
     */
    default List<String> problems(List<Sample> samples) {
        return List.of();
    }

    /** What may be worth knowing before it selects from these samples; it stops nothing. */
    default List<String> notes(List<Sample> samples) {
        return List.of();
    }

    /** What models are asked while it selects from these samples, at most. */
    default List<TextWork> work(List<Sample> samples) {
        return List.of();
    }

    /** Samples about as long and as many as those that it will leave, for the plan. */
    default List<Sample> likely(List<Sample> samples) {
        return samples.stream().map(sample -> sample.candidates().isEmpty() ? sample
                : sample.withResponse(sample.candidates().get(0).text())).toList();
    }

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
