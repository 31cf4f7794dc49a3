package org.finetune4j.methods.evaluate;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.evaluate.Examinee.Continuation;

/**
 * Multiple choice by likelihood: the share of questions whose right choice the model finds the most likely.
 *
 * <p>A choice counts the summed log-probability of its tokens after the prompt, {@code normalise} divided by its length or
 * less what it has without a prompt; of equal choices the first one is taken. This is {@code acc} of lm-evaluation-harness,
 * and {@code acc_norm}, {@code acc_bytes} and {@code acc_mutual_info}.
 *
 * @param normalise  what is done to log-likelihoods before they are compared; default NONE
 * @param choices    the field with the choices of a sample: a list of texts, or an object with such a list as {@code text}
 *                   and names of them as {@code label}; default {@code choices}
 * @param labels     the choices of samples that have no such field; none by default
 * @param gold       the field that says which choice is right: its place counted from 0, its letter or label, or its text;
 *                   default {@code answer}, the reference of the sample
 * @param form       what the model is asked for; default TEXTS
 * @param delimiter  what stands between the prompt and each choice; empty (the default) behind a chat template, which ends
 *                   with white space of its own
 */
public record MultipleChoice(Normalise normalise, String choices, List<String> labels, String gold, ChoiceForm form, String delimiter)
        implements ChoiceMetric {
    /** What is done to log-likelihoods before they are compared. */
    public enum Normalise {
        /** Nothing. */
        NONE,
        /** They are divided by the Unicode code points of the choice. */
        CHARACTERS,
        /** They are divided by the UTF-8 bytes of the choice. */
        BYTES,
        /** The log-likelihood of the choice without the prompt is taken from them. */
        MUTUAL_INFORMATION
    }

    /** Multiple choice as lm-evaluation-harness defines it. */
    public static final Method<MultipleChoice> METHOD = new Method<>("multipleChoice", Method.Kind.EVALUATE,
            "Multiple choice by likelihood", "lm-evaluation-harness 0.4", settings -> new MultipleChoice(
                    settings.choice("normalise", Normalise.NONE),
                    settings.text("choices", Choices.FIELD), settings.texts("labels", List.of()), settings.text("gold", Choices.ANSWER),
                    settings.choice("form", ChoiceForm.TEXTS), settings.text("delimiter", "")));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public MultipleChoice {
        labels = List.copyOf(labels);
        new Choices(choices, labels, gold, form, delimiter).require("multipleChoice");
    }

    /** The defaults. */
    public MultipleChoice() {
        this(Normalise.NONE, Choices.FIELD, List.of(), Choices.ANSWER, ChoiceForm.TEXTS, "");
    }

    /** The harness's MMLU task: the prompt lists the choices and the model is asked for a letter. */
    public static MultipleChoice mmlu() {
        return new MultipleChoice(Normalise.NONE, Choices.FIELD, List.of(), Choices.ANSWER, ChoiceForm.LETTERS, "");
    }

    @Override
    public Method<MultipleChoice> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<ChoiceQuestion> questions = questions(samples);
        // Logarithms of probabilities differ from log-likelihoods by the same for all choices, which no choice notices.
        List<double[]> scores = normalise == Normalise.NONE
                ? model.probabilities(questions) : ChoiceQuestion.logLikelihoods(questions, model);
        List<double[]> without = normalise == Normalise.MUTUAL_INFORMATION ? withoutPrompt(questions, model) : scores;
        List<Double> items = new ArrayList<>();
        for (int i = 0; i < questions.size(); i++) {
            items.add(chosen(scores.get(i), without.get(i), questions.get(i).continuations().stream()
                    .map(text -> text.substring(delimiter.length())).toList()) == questions.get(i).gold() ? 1.0 : 0.0);
        }
        return List.of(MetricResult.mean("multipleChoice", "multiple_choice|normalise:"
                + normalise.name().toLowerCase(Locale.ROOT) + asked(), items, 0));
    }

    private static List<double[]> withoutPrompt(List<ChoiceQuestion> questions, Examinee model) {
        List<Continuation> texts = ChoiceQuestion.continuations(questions).stream()
                .map(continuation -> new Continuation(null, continuation.text())).toList();
        return ChoiceQuestion.grouped(questions, model.likelihoods(texts)).stream()
                .map(group -> group.stream().mapToDouble(Examinee.Likelihood::sum).toArray()).toList();
    }

    /** The place of the choice that wins. */
    int chosen(double[] likelihoods, double[] withoutPrompt, List<String> texts) {
        double[] scores = likelihoods.clone();
        for (int i = 0; i < scores.length; i++) {
            String text = texts.get(i);
            switch (normalise) {
                case NONE -> { }
                case CHARACTERS -> scores[i] /= text.codePointCount(0, text.length());
                case BYTES -> scores[i] /= text.getBytes(StandardCharsets.UTF_8).length;
                case MUTUAL_INFORMATION -> scores[i] -= withoutPrompt[i];
            }
        }
        return Probabilities.argmax(scores);
    }

    @Override
    public boolean asksForProbabilities() {
        return normalise == Normalise.NONE;
    }
}
