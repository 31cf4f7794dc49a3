package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * Brier score of one of two choices, 0 to 1, half of what {@link Brier} gives: {@code mean_i (p_i - [it is right])^2} with
 * the probability of the second choice.
 *
 * @param choices    the field with the choices of a sample: a list of texts, or an object with such a list as {@code text}
 *                   and names of them as {@code label}; default {@code choices}
 * @param labels     the choices of samples that have no such field; none by default
 * @param gold       the field that says which choice is right: its place counted from 0, its letter or label, or its text;
 *                   default {@code answer}, the reference of the sample
 * @param form       what the model is asked for; default TEXTS
 * @param delimiter  what stands between the prompt and each choice; empty (the default) behind a chat template, which ends
 *                   with white space of its own
 */
public record BrierBinary(String choices, List<String> labels, String gold, ChoiceForm form, String delimiter)
        implements ChoiceMetric {
    /** The Brier score as its paper's readers write it for two classes. */
    public static final Method<BrierBinary> METHOD = new Method<>("brierBinary", Method.Kind.EVALUATE,
            "Brier score of two classes, one-sided", "Brier 1950",
            settings -> new BrierBinary(settings.text("choices", Choices.FIELD), settings.texts("labels", List.of()), settings.text("gold", Choices.ANSWER),
                    settings.choice("form", ChoiceForm.TEXTS), settings.text("delimiter", "")));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public BrierBinary {
        labels = List.copyOf(labels);
        new Choices(choices, labels, gold, form, delimiter).require("brierBinary");
    }

    /** The defaults. */
    public BrierBinary() {
        this(Choices.FIELD, List.of(), Choices.ANSWER, ChoiceForm.TEXTS, "");
    }

    @Override
    public Method<BrierBinary> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<ChoiceQuestion> questions = questions(samples);
        List<double[]> probabilities = model.probabilities(questions);
        List<Double> items = new ArrayList<>();
        for (int i = 0; i < questions.size(); i++) {
            double difference = probabilities.get(i)[1] - questions.get(i).gold();
            items.add(difference * difference);
        }
        return List.of(MetricResult.mean("brierBinary", "brier_binary" + asked(), items, 0));
    }

    @Override
    public List<ChoiceQuestion> questions(List<Sample> samples) {
        List<ChoiceQuestion> questions = ChoiceMetric.super.questions(samples);
        questions.stream().filter(question -> question.choices().size() != 2).findFirst().ifPresent(question -> {
            throw new FinetuneException("brierBinary: " + question.prompt().id() + " has " + question.choices().size()
                    + " choices, but must have 2. Take brier() for more.");
        });
        return questions;
    }
}
