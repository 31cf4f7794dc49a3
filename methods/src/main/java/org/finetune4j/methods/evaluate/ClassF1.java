package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * F1 of classes, each answer being the name of one.
 *
 * <p>Of a class {@code 2 tp / (2 tp + fp + fn)}, 0 where that is not defined. MACRO is the mean over the classes that
 * occur in references or answers, or over {@code labels} where they are given; WEIGHTED weighs classes by how many
 * references they have; MICRO is the accuracy. White space at both ends of an answer is ignored. An answer outside of
 * given labels is wrong and counts as unparsable.
 *
 * @param average how classes are averaged; default MACRO
 * @param labels  the classes, each once; empty (the default) takes those that occur
 */
public record ClassF1(Average average, List<String> labels) implements AnswerMetric {
    /** How classes are averaged. */
    public enum Average {
        /** Every class counts the same. */
        MACRO,
        /** Every item counts the same. */
        MICRO,
        /** A class counts by its number of references. */
        WEIGHTED
    }

    /** F1 of classes, as scikit-learn defines it. */
    public static final Method<ClassF1> METHOD = new Method<>("classF1", Method.Kind.EVALUATE, "F1 of classes",
            "common practice", settings -> new ClassF1(settings.choice("average", Average.MACRO),
                    settings.texts("labels", List.of())));

    /** Refuses labels that are not different with a {@link FinetuneException}. */
    public ClassF1 {
        labels = List.copyOf(labels);
        if (Set.copyOf(labels).size() < labels.size()) {
            throw new FinetuneException("classF1: the labels " + labels + " name one class twice. Name each once.");
        }
    }

    @Override
    public Method<ClassF1> method() {
        return METHOD;
    }

    @Override
    public MetricResult score(List<String> predictions, List<String> references) {
        References.requirePairs("classF1", predictions, references);
        List<String> answers = predictions.stream().map(String::strip).toList();
        List<String> golds = references.stream().map(String::strip).toList();
        List<Double> items = new ArrayList<>();
        int unparsable = 0;
        for (int i = 0; i < answers.size(); i++) {
            items.add(answers.get(i).equals(golds.get(i)) ? 1.0 : 0.0);
            unparsable += labels.isEmpty() || labels.contains(answers.get(i)) ? 0 : 1;
        }
        String signature = "class_f1|average:" + average.name().toLowerCase(Locale.ROOT)
                + (labels.isEmpty() ? "" : "|labels:" + String.join(",", labels));
        if (average == Average.MICRO) {
            return MetricResult.mean("classF1", signature, items, unparsable);
        }
        List<String> classes = classes(answers, golds);
        int[] answered = answers.stream().mapToInt(classes::indexOf).toArray();
        int[] gold = golds.stream().mapToInt(classes::indexOf).toArray();
        return MetricResult.corpus("classF1", signature, items, unparsable,
                places -> value(classes.size(), answered, gold, places));
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        AnswerMetric.super.requireMeasurable(samples);
        requireLabels("classF1", References.of(samples));
    }

    /** Refuses references that are none of the labels, where these are given and classes are averaged. */
    void requireLabels(String metric, List<String> references) {
        if (labels.isEmpty() || average == Average.MICRO) {
            return;
        }
        references.stream().map(String::strip).filter(gold -> !labels.contains(gold)).findFirst().ifPresent(gold -> {
            throw new FinetuneException(metric + ": a reference is '" + gold + "', which is none of the labels " + labels
                    + ". Add it to the labels, or correct the reference.");
        });
    }

    private List<String> classes(List<String> answers, List<String> golds) {
        if (!labels.isEmpty()) {
            requireLabels("classF1", golds);
            return labels;
        }
        Set<String> found = new LinkedHashSet<>(golds);
        found.addAll(answers);
        return List.copyOf(found);
    }

    /** The average over the items at these places; a class that is not among them is left out unless it is a label. */
    private double value(int classes, int[] answered, int[] gold, int[] places) {
        double[] right = new double[classes];
        double[] told = new double[classes];
        double[] support = new double[classes];
        for (int place : places) {
            support[gold[place]]++;
            if (answered[place] >= 0) {
                told[answered[place]]++;
                right[gold[place]] += answered[place] == gold[place] ? 1 : 0;
            }
        }
        double sum = 0;
        double weights = 0;
        for (int c = 0; c < classes; c++) {
            boolean occurs = told[c] + support[c] > 0;
            double weight = average == Average.WEIGHTED ? support[c] : occurs || !labels.isEmpty() ? 1 : 0;
            sum += occurs ? weight * 2 * right[c] / (told[c] + support[c]) : 0;
            weights += weight;
        }
        return sum / weights;
    }
}
