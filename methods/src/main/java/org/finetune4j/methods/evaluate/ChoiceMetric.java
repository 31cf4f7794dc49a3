package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.data.Sample;

/** Asks questions with a finite number of answers; its settings say where samples keep them, and how the model is asked. */
public interface ChoiceMetric extends Metric {
    /** The field of a record that holds the choices. */
    String choices();

    /** The choices of samples that have no such field; may be empty. */
    List<String> labels();

    /** The field that says which choice is right, or {@code answer} for the reference of the sample. */
    String gold();

    /** What the model is asked for. */
    ChoiceForm form();

    /** What stands between the prompt and each choice. */
    String delimiter();

    /**
     * The questions that samples ask.
     *
     * @throws org.finetune4j.FinetuneException when one has no choices, or it is not clear which is right
     */
    default List<ChoiceQuestion> questions(List<Sample> samples) {
        return new Choices(this).questions(method().name(), samples);
    }

    /** How the model is asked, as a part of a signature. */
    default String asked() {
        return new Choices(this).signature();
    }

    @Override
    default void requireMeasurable(List<Sample> samples) {
        questions(samples);
    }

    @Override
    default boolean asksForProbabilities() {
        return true;
    }
}
