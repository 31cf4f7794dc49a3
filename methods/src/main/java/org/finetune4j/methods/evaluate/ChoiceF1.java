package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * F1 of choices, 0 to 1: {@link ClassF1} of the choice that the model finds the most probable, in the place of an answer
 * that it writes. The same choices are one class in all questions.
 *
 * @param average    how classes are averaged; default MACRO
 * @param choices    the field with the choices of a sample: a list of texts, or an object with such a list as {@code text}
 *                   and names of them as {@code label}; default {@code choices}
 * @param labels     the choices of samples that have no such field; none by default
 * @param gold       the field that says which choice is right: its place counted from 0, its letter or label, or its text;
 *                   default {@code answer}, the reference of the sample
 * @param form       what the model is asked for; default TEXTS
 * @param delimiter  what stands between the prompt and each choice; empty (the default) behind a chat template, which ends
 *                   with white space of its own
 */
public record ChoiceF1(ClassF1.Average average, String choices, List<String> labels, String gold, ChoiceForm form,
                       String delimiter) implements ChoiceMetric {
    /** F1 of classes by their probabilities. */
    public static final Method<ChoiceF1> METHOD = new Method<>("choiceF1", Method.Kind.EVALUATE, "F1 of choices by likelihood",
            "common practice", settings -> new ChoiceF1(settings.choice("average", ClassF1.Average.MACRO),
                    settings.text("choices", Choices.FIELD), settings.texts("labels", List.of()), settings.text("gold", Choices.ANSWER),
                    settings.choice("form", ChoiceForm.TEXTS), settings.text("delimiter", "")));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public ChoiceF1 {
        labels = List.copyOf(labels);
        new Choices(choices, labels, gold, form, delimiter).require("choiceF1");
    }

    @Override
    public Method<ChoiceF1> method() {
        return METHOD;
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        new ClassF1(average, labels).requireLabels("choiceF1", questions(samples).stream()
                .map(question -> question.choices().get(question.gold())).toList());
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<ChoiceQuestion> questions = questions(samples);
        List<double[]> probabilities = model.probabilities(questions);
        List<String> chosen = new ArrayList<>();
        for (int i = 0; i < questions.size(); i++) {
            chosen.add(questions.get(i).choices().get(Probabilities.argmax(probabilities.get(i))));
        }
        return List.of(new ClassF1(average, labels).score(chosen, questions.stream()
                .map(question -> question.choices().get(question.gold())).toList()).named("choiceF1")
                .by("likelihood" + asked()));
    }
}
