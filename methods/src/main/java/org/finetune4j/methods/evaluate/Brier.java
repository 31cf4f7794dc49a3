package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * Brier score of choices, 0 to 2; less is better: {@code mean_i sum_c (p_ic - [c is right])^2} with the probabilities that
 * the model gives to the choices, which sum to 1.
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
public record Brier(String choices, List<String> labels, String gold, ChoiceForm form, String delimiter) implements ChoiceMetric {
    /** The Brier score of several classes. */
    public static final Method<Brier> METHOD = new Method<>("brier", Method.Kind.EVALUATE,
            "Verification of Forecasts Expressed in Terms of Probability (Brier score)", "Brier 1950",
            settings -> new Brier(settings.text("choices", Choices.FIELD), settings.texts("labels", List.of()), settings.text("gold", Choices.ANSWER),
                    settings.choice("form", ChoiceForm.TEXTS), settings.text("delimiter", "")));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Brier {
        labels = List.copyOf(labels);
        new Choices(choices, labels, gold, form, delimiter).require("brier");
    }

    /** The defaults. */
    public Brier() {
        this(Choices.FIELD, List.of(), Choices.ANSWER, ChoiceForm.TEXTS, "");
    }

    @Override
    public Method<Brier> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<ChoiceQuestion> questions = questions(samples);
        return List.of(score(model.probabilities(questions), ChoiceQuestion.golds(questions)));
    }

    /**
     * Scores probabilities.
     *
     * @param probabilities of the choices of each item
     * @param right         the right choice of each item, counted from 0
     * @throws org.finetune4j.FinetuneException when there are none, or they do not sum to 1
     */
    public MetricResult score(List<double[]> probabilities, int... right) {
        Probabilities.require("brier", probabilities, right);
        List<Double> items = new ArrayList<>();
        for (int i = 0; i < right.length; i++) {
            double[] row = probabilities.get(i);
            double sum = 0;
            for (int c = 0; c < row.length; c++) {
                double difference = row[c] - (c == right[i] ? 1 : 0);
                sum += difference * difference;
            }
            items.add(sum);
        }
        return MetricResult.mean("brier", "brier" + asked(), items, 0);
    }
}
