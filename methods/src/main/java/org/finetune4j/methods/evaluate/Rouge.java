package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * ROUGE by the conventions of google-research's rouge-score: the mean F of each type, 0 to 1.
 *
 * <p>Tokens are runs of a to z and 0 to 9 in lower case. {@code rouge1} to {@code rouge9} count common sequences of so many
 * tokens, {@code rougeL} takes the longest common subsequence of all tokens, and {@code rougeLsum} unites those of each
 * line of the target with the prediction. Of several references the one with the highest F counts, for each type. The
 * stemmer is Porter's own; that of rouge-score is NLTK's, which differs for few words, such as "enjoy".
 *
 * @param types              what is measured, one result each; default rouge1, rouge2 and rougeL
 * @param stemmer            whether stems of tokens longer than 3 are compared; default false
 * @param referenceSeparator text between several references in one; empty (the default) takes it as one
 */
public record Rouge(List<String> types, boolean stemmer, String referenceSeparator) implements Metric {
    /** What is measured unless something else is asked for. */
    public static final List<String> USUAL = List.of("rouge1", "rouge2", "rougeL");

    /** ROUGE as rouge-score defines it. */
    public static final Method<Rouge> METHOD = new Method<>("rouge", Method.Kind.EVALUATE,
            "ROUGE: A Package for Automatic Evaluation of Summaries", "google-research rouge-score 0.1.2",
            settings -> new Rouge(settings.texts("types", USUAL), settings.flag("stemmer", false),
                    settings.text("referenceSeparator", "")));

    private static final Pattern TYPE = Pattern.compile("rouge([1-9]|L|Lsum)");

    /** Refuses types that are unknown with a {@link FinetuneException}. */
    public Rouge {
        types = List.copyOf(types);
        List<String> unknown = types.stream().filter(type -> !TYPE.matcher(type).matches()).toList();
        if (!unknown.isEmpty() || types.isEmpty()) {
            throw new FinetuneException("rouge: setting 'types' is " + types + ", but must be one or more of rouge1 to "
                    + "rouge9, rougeL and rougeLsum.");
        }
    }

    /** The defaults. */
    public Rouge() {
        this(USUAL, false, "");
    }

    @Override
    public Method<Rouge> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        requireMeasurable(samples);
        return scores(model.answers(samples), References.of(samples));
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        References.require("rouge", samples);
    }

    @Override
    public int answersPerPrompt() {
        return 1;
    }

    /**
     * One result for each type, with the means of precision and recall as details.
     *
     * @throws FinetuneException when there is nothing to score or the lists differ in length
     */
    public List<MetricResult> scores(List<String> predictions, List<String> references) {
        References.requirePairs("rouge", predictions, references);
        return types.stream().map(type -> {
            List<RougeScores> items = new ArrayList<>();
            for (int i = 0; i < predictions.size(); i++) {
                String prediction = predictions.get(i);
                items.add(References.split(references.get(i), referenceSeparator).stream()
                        .map(target -> score(type, target, prediction)).max(Comparator.comparingDouble(RougeScores::f))
                        .orElseThrow());
            }
            Map<String, String> details = new LinkedHashMap<>();
            details.put("precision", mean(items.stream().mapToDouble(RougeScores::precision).average().orElseThrow()));
            details.put("recall", mean(items.stream().mapToDouble(RougeScores::recall).average().orElseThrow()));
            return MetricResult.mean(type, type + "|F|stemmer:" + (stemmer ? "porter" : "no"),
                    items.stream().map(RougeScores::f).toList(), 0).with(details);
        }).toList();
    }

    /** The scores of one prediction, which are not symmetric. */
    RougeScores score(String type, String target, String prediction) {
        if (type.equals("rougeLsum")) {
            return RougeScores.summary(RougeTokens.ofLines(target, stemmer), RougeTokens.ofLines(prediction, stemmer));
        }
        List<String> wanted = RougeTokens.of(target, stemmer);
        List<String> predicted = RougeTokens.of(prediction, stemmer);
        return type.equals("rougeL") ? RougeScores.longest(wanted, predicted)
                : RougeScores.nGrams(wanted, predicted, type.charAt(type.length() - 1) - '0');
    }

    private static String mean(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
