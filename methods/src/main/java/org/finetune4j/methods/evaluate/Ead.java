package org.finetune4j.methods.evaluate;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Expectation-adjusted distinct: the different sequences of n tokens in the answers, by how many of them as many draws
 * from the vocabulary would give.
 *
 * <p>With N different sequences among C, and V of the vocabulary, {@code N / (V (1 - ((V - 1) / V)^C))}. Tokens are those
 * of the model's tokenizer. A V that is too small gives more than 1.
 *
 * @param n           tokens of a sequence, at least 1; default 1
 * @param vocabulary  V, at least 2; 0 (the default) takes the tokens of the tokenizer, which n = 1 alone allows
 * @param samples     answers to each prompt, at least 1; default 1
 * @param temperature of the draw, finite and at least 0, positive where there are several samples; default 0
 * @param topP        of the draw, in (0, 1]; default 1
 * @param seed        of the draw; default 0
 */
public record Ead(int n, long vocabulary, int samples, double temperature, double topP, long seed) implements OutputMetric {
    /** Expectation-adjusted distinct as its paper defines it. */
    public static final Method<Ead> METHOD = new Method<>("ead", Method.Kind.EVALUATE,
            "Rethinking and Refining the Distinct Metric (expectation-adjusted distinct)", "arXiv 2202.13587",
            settings -> new Ead(settings.whole("n", 1), settings.whole("vocabulary", 0L), settings.whole("samples", 1),
                    settings.number("temperature", 0), settings.number("topP", 1), settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Ead {
        Settings.require(n >= 1, "ead", "n", n, "at least 1");
        Settings.require(vocabulary >= 2 || vocabulary == 0 && n == 1, "ead", "vocabulary", vocabulary, n == 1
                ? "at least 2, or 0 for that of the tokenizer" : "at least 2 where n is above 1, for nobody else knows it");
        Sampling.of("ead", "samples", samples, temperature, topP, seed);
    }

    @Override
    public Method<Ead> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> asked, Examinee model) {
        List<List<Integer>> tokens = outputs(asked, model).stream()
                .map(text -> Arrays.stream(model.tokens(text)).boxed().toList()).toList();
        return List.of(score(tokens, vocabulary == 0 ? model.vocabularySize() : vocabulary));
    }

    /**
     * Scores texts that are tokens.
     *
     * @param possible V
     * @throws org.finetune4j.FinetuneException when none of them has n tokens
     */
    public <T> MetricResult score(List<List<T>> texts, long possible) {
        List<List<T>> kept = longEnough(texts, n);
        DistinctCounts counts = new DistinctCounts(kept, n);
        int different = counts.different(Bootstrap.all(kept.size()));
        Map<String, String> details = n == 1 && different > possible ? Map.of("warning", "there are " + different
                + " different tokens, more than the vocabulary of " + possible) : Map.of();
        return MetricResult.corpus("ead" + n, "EAD-" + n + "|tokens|vocabulary:" + possible + "|"
                        + sampling().signature(),
                IntStream.range(0, kept.size()).mapToObj(place -> value(counts, possible, place)).toList(),
                texts.size() - kept.size(), places -> value(counts, possible, places)).with(details);
    }

    private static double value(DistinctCounts counts, long possible, int... places) {
        // 1 - (1 - 1/V)^C without the loss of digits that a large V brings.
        return counts.different(places) / (possible * -Math.expm1(counts.total(places) * Math.log1p(-1.0 / possible)));
    }
}
