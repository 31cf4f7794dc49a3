package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.finetune4j.methods.Method;

/**
 * Token F1 of SQuAD (arXiv 1606.05250, evaluate-v1.1): the overlap of an answer's words with the reference's.
 *
 * <p>Both sides lose case, ASCII punctuation, the words a, an and the, and surplus white space. With o words in common,
 * counted as often as both have them, precision is {@code o / words of the prediction}, recall {@code o / words of the
 * reference}, and the score their harmonic mean; without words on a side it is 1 where both have none, else 0. Of several
 * references the best one counts.
 *
 * @param referenceSeparator text between several right answers in one reference; empty (the default) takes the reference
 *                           as one answer
 */
public record TokenF1(String referenceSeparator) implements AnswerMetric {
    /** Token F1 as SQuAD's evaluation script defines it. */
    public static final Method<TokenF1> METHOD = new Method<>("tokenF1", Method.Kind.EVALUATE, "Token F1 of SQuAD",
            "arXiv 1606.05250", settings -> new TokenF1(settings.text("referenceSeparator", "")));

    private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");
    private static final Pattern ARTICLES = Pattern.compile("\\b(a|an|the)\\b", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    @Override
    public Method<TokenF1> method() {
        return METHOD;
    }

    @Override
    public MetricResult score(List<String> predictions, List<String> references) {
        References.requirePairs("tokenF1", predictions, references);
        List<Double> items = new ArrayList<>();
        for (int i = 0; i < predictions.size(); i++) {
            List<String> prediction = words(predictions.get(i));
            items.add(References.split(references.get(i), referenceSeparator).stream()
                    .mapToDouble(gold -> f1(prediction, words(gold))).max().orElse(0));
        }
        return MetricResult.mean("tokenF1", "token_f1|squad" + (referenceSeparator.isEmpty() ? ""
                : "|references:" + referenceSeparator), items, 0);
    }

    private static double f1(List<String> prediction, List<String> gold) {
        if (prediction.isEmpty() || gold.isEmpty()) {
            return prediction.isEmpty() && gold.isEmpty() ? 1 : 0;
        }
        Map<String, Integer> left = new HashMap<>();
        gold.forEach(word -> left.merge(word, 1, Integer::sum));
        int common = 0;
        for (String word : prediction) {
            if (left.merge(word, -1, Integer::sum) >= 0) {
                common++;
            }
        }
        // 2 P R / (P + R) with P and R written out.
        return 2.0 * common / (prediction.size() + gold.size());
    }

    private static List<String> words(String text) {
        String plain = PUNCTUATION.matcher(text.toLowerCase(Locale.ROOT)).replaceAll("");
        return SPACE.splitAsStream(ARTICLES.matcher(plain).replaceAll(" ")).filter(word -> !word.isEmpty()).toList();
    }
}
