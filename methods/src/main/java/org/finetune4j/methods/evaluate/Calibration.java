package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Calibration of choices: whether the model is as often right as it is sure; 0 is perfect.
 *
 * <p>The confidence of an item is the probability of its most probable choice. The expected calibration error {@code ece} is
 * {@code sum_b |b| / N |accuracy_b - confidence_b|} over bins of items with like confidence, {@code mce} the largest of these
 * gaps, {@code nll} the mean of {@code -log p} of the right choices, and {@code entropy} that of all choices, {@code -sum p log
 * p}, in nats. CLASSWISE bins the probabilities of every choice by
 * itself, right or not, and takes the mean over the choices; all items must then have equally many. The bins are details of
 * {@code ece}.
 *
 * @param bins       at least 1; default 10
 * @param scheme     how items are put into bins; default EQUAL_WIDTH
 * @param choices    the field with the choices of a sample: a list of texts, or an object with such a list as {@code text}
 *                   and names of them as {@code label}; default {@code choices}
 * @param labels     the choices of samples that have no such field; none by default
 * @param gold       the field that says which choice is right: its place counted from 0, its letter or label, or its text;
 *                   default {@code answer}, the reference of the sample
 * @param form       what the model is asked for; default TEXTS
 * @param delimiter  what stands between the prompt and each choice; empty (the default) behind a chat template, which ends
 *                   with white space of its own
 */
public record Calibration(int bins, Scheme scheme, String choices, List<String> labels, String gold, ChoiceForm form, String delimiter) implements ChoiceMetric {
    /** How items are put into bins. */
    public enum Scheme {
        /** Bins of equal width over [0, 1], each with its upper edge. */
        EQUAL_WIDTH,
        /** Bins of equally many items (adaptive calibration error). */
        EQUAL_MASS,
        /** Bins of equal width for the probabilities of every choice. */
        CLASSWISE
    }

    /** Calibration errors as their papers define them. */
    public static final Method<Calibration> METHOD = new Method<>("calibration", Method.Kind.EVALUATE,
            "On Calibration of Modern Neural Networks (expected calibration error)", "arXiv 1706.04599",
            settings -> new Calibration(settings.whole("bins", 10), settings.choice("scheme", Scheme.EQUAL_WIDTH),
                    settings.text("choices", Choices.FIELD), settings.texts("labels", List.of()), settings.text("gold", Choices.ANSWER),
                    settings.choice("form", ChoiceForm.TEXTS), settings.text("delimiter", "")));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Calibration {
        labels = List.copyOf(labels);
        Settings.require(bins >= 1, "calibration", "bins", bins, "at least 1");
        new Choices(choices, labels, gold, form, delimiter).require("calibration");
    }

    /** The default choices with these bins. */
    public Calibration(int bins, Scheme scheme) {
        this(bins, scheme, Choices.FIELD, List.of(), Choices.ANSWER, ChoiceForm.TEXTS, "");
    }

    @Override
    public Method<Calibration> method() {
        return METHOD;
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        requireClasses(questions(samples).stream().map(question -> question.choices().size()).toList());
    }

    /** Refuses items of different numbers of choices where choices are classes. */
    private void requireClasses(List<Integer> choicesOfItems) {
        if (scheme == Scheme.CLASSWISE && choicesOfItems.stream().distinct().count() > 1) {
            throw new FinetuneException("calibration: the items have different numbers of choices, of which scheme CLASSWISE "
                    + "can make no classes. Choose EQUAL_WIDTH or EQUAL_MASS.");
        }
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<ChoiceQuestion> questions = questions(samples);
        return scores(model.probabilities(questions), ChoiceQuestion.golds(questions));
    }

    /**
     * Scores probabilities: {@code ece}, {@code mce}, {@code nll} and {@code entropy}, which has its mean over choices, as the
     * code of self-ensembling divides it, among its details.
     *
     * @param probabilities of the choices of each item
     * @param right         the right choice of each item, counted from 0
     * @throws FinetuneException when there are none, or they do not sum to 1
     */
    public List<MetricResult> scores(List<double[]> probabilities, int... right) {
        Probabilities.require("calibration", probabilities, right);
        double[] confidence = probabilities.stream().mapToDouble(row -> row[Probabilities.argmax(row)]).toArray();
        boolean[] hit = new boolean[right.length];
        List<Double> gaps = new ArrayList<>();
        List<Double> surprises = new ArrayList<>();
        for (int i = 0; i < right.length; i++) {
            hit[i] = Probabilities.argmax(probabilities.get(i)) == right[i];
            gaps.add((hit[i] ? 1 : 0) - confidence[i]);
            // A choice that cannot be has the surprise of the smallest number instead of an infinite one.
            surprises.add(-Math.log(Math.max(Double.MIN_NORMAL, probabilities.get(i)[right[i]])));
        }
        String how = "|bins:" + bins + "|" + scheme.name().toLowerCase(Locale.ROOT) + asked();
        ReliabilityTable table = table(confidence, hit, Bootstrap.all(right.length));
        MetricResult ece = scheme == Scheme.CLASSWISE
                ? MetricResult.corpus("ece", "ECE" + how, gaps, 0, classwise(probabilities, right))
                : MetricResult.corpus("ece", "ECE" + how, gaps, 0, places -> table(confidence, hit, places).expectedError());
        return List.of(ece.with(table.lines()),
                MetricResult.corpus("mce", "MCE" + how, gaps, 0, places -> table(confidence, hit, places).largestError()),
                MetricResult.mean("nll", "NLL of the right choice" + asked(), surprises, 0), entropy(probabilities));
    }

    private MetricResult entropy(List<double[]> probabilities) {
        List<Double> items = probabilities.stream().map(row -> Arrays.stream(row).filter(p -> p > 0)
                .map(p -> -p * Math.log(p)).sum()).toList();
        double choicesOfAll = probabilities.stream().mapToInt(row -> row.length).sum();
        return MetricResult.mean("entropy", "entropy in nats" + asked(), items, 0).with(Map.of("by choice",
                String.format(Locale.ROOT, "%.4f", items.stream().mapToDouble(item -> item).sum() / choicesOfAll)));
    }

    private ReliabilityTable table(double[] confidence, boolean[] right, int... places) {
        return scheme == Scheme.EQUAL_MASS ? ReliabilityTable.equalMass(confidence, right, bins, places)
                : ReliabilityTable.equalWidth(confidence, right, bins, places);
    }

    private ToDoubleFunction<int[]> classwise(List<double[]> probabilities, int... right) {
        int classes = probabilities.get(0).length;
        requireClasses(probabilities.stream().map(row -> row.length).toList());
        List<double[]> columns = IntStream.range(0, classes).mapToObj(c -> probabilities.stream().mapToDouble(row -> row[c])
                .toArray()).toList();
        List<boolean[]> members = new ArrayList<>();
        for (int c = 0; c < classes; c++) {
            boolean[] member = new boolean[right.length];
            for (int i = 0; i < right.length; i++) {
                member[i] = right[i] == c;
            }
            members.add(member);
        }
        return places -> IntStream.range(0, classes).mapToDouble(c -> ReliabilityTable.equalWidth(columns.get(c),
                members.get(c), bins, places).expectedError()).average().orElseThrow();
    }
}
