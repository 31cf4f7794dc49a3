package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Self-BLEU: how much answers resemble one another, 0 to 100; less says more diverse.
 *
 * <p>The mean over answers of the BLEU of each against all others as its references, of tokens by mteval-v13a.
 *
 * @param order       longest sequence of tokens, at least 1; default 4
 * @param smoothing   what an order without a match counts; default FLOOR
 * @param most        answers that are compared, a random choice of all if there are more, at least 2; default 500
 * @param samples     answers to each prompt, at least 1; default 1
 * @param temperature of the draw, finite and at least 0, positive where there are several samples; default 0
 * @param topP        of the draw, in (0, 1]; default 1
 * @param seed        of the draw and the choice; default 0
 */
public record SelfBleu(int order, BleuSmoothing smoothing, int most, int samples, double temperature, double topP,
                       long seed) implements OutputMetric {
    /** Self-BLEU as its paper defines it. */
    public static final Method<SelfBleu> METHOD = new Method<>("selfBleu", Method.Kind.EVALUATE,
            "Texygen: A Benchmarking Platform for Text Generation Models (self-BLEU)", "arXiv 1802.01886",
            settings -> new SelfBleu(settings.whole("order", 4), settings.choice("smoothing", BleuSmoothing.FLOOR),
                    settings.whole("most", 500), settings.whole("samples", 1), settings.number("temperature", 0),
                    settings.number("topP", 1), settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public SelfBleu {
        Settings.require(order >= 1, "selfBleu", "order", order, "at least 1");
        Settings.require(most >= 2, "selfBleu", "most", most, "at least 2");
        Sampling.of("selfBleu", "samples", samples, temperature, topP, seed);
    }

    @Override
    public Method<SelfBleu> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> asked, Examinee model) {
        return List.of(score(outputs(asked, model)));
    }

    @Override
    public void requireMeasurable(List<Sample> asked) {
        OutputMetric.super.requireMeasurable(asked);
        if (asked.size() * (long) samples < 2) {
            throw tooFew();
        }
    }

    /**
     * Scores texts.
     *
     * @throws FinetuneException when there are fewer than 2
     */
    public MetricResult score(List<String> texts) {
        if (texts.size() < 2) {
            throw tooFew();
        }
        List<String> compared = new ArrayList<>(texts);
        if (texts.size() > most) {
            Collections.shuffle(compared, new Random(seed));
            compared = compared.subList(0, most);
        }
        List<List<String>> tokens = compared.stream().map(BleuTokens.MTEVAL_13A::of).toList();
        return MetricResult.mean("selfBleu", "self-BLEU|tok:13a|smooth:" + smoothing.name().toLowerCase(Locale.ROOT)
                .replace('_', '-') + "|eff:no|order:" + order + "|most:" + most + "|"
                + sampling().signature(), scores(tokens), 0);
    }

    /** The two highest counts of every sequence tell the highest among all texts but one, for each of them. */
    private List<Double> scores(List<List<String>> texts) {
        List<Map<List<String>, int[]>> highest = new ArrayList<>();
        for (int n = 1; n <= order; n++) {
            Map<List<String>, int[]> two = new HashMap<>();
            for (List<String> text : texts) {
                NGrams.counts(text, n).forEach((gram, count) -> {
                    int[] counts = two.computeIfAbsent(gram, unseen -> new int[2]);
                    counts[1] = Math.max(counts[1], Math.min(counts[0], count));
                    counts[0] = Math.max(counts[0], count);
                });
            }
            highest.add(two);
        }
        int[] lengths = texts.stream().mapToInt(List::size).toArray();
        List<Double> scores = new ArrayList<>();
        for (int t = 0; t < lengths.length; t++) {
            long[] correct = new long[order];
            long[] total = new long[order];
            for (int n = 1; n <= order; n++) {
                Map<List<String>, int[]> two = highest.get(n - 1);
                for (Map.Entry<List<String>, Integer> gram : NGrams.counts(texts.get(t), n).entrySet()) {
                    int[] counts = two.getOrDefault(gram.getKey(), new int[2]);
                    correct[n - 1] += Math.min(gram.getValue(), counts[0] > gram.getValue() ? counts[0] : counts[1]);
                }
                total[n - 1] = NGrams.total(lengths[t], n);
            }
            int[] others = Arrays.copyOf(lengths, lengths.length - 1);
            System.arraycopy(lengths, t + 1, others, t, lengths.length - 1 - t);
            scores.add(new BleuCounts(correct, total, lengths[t], BleuCounts.nearest(lengths[t], others))
                    .score(smoothing, false));
        }
        return scores;
    }

    private static FinetuneException tooFew() {
        return new FinetuneException("selfBleu: there are fewer than 2 answers to compare. Ask for more samples, or give "
                + "more prompts.");
    }
}
