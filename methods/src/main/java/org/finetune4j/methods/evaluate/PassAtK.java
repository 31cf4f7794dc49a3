package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * pass@k: how probable it is that one of k drawn answers is right, estimated without bias of n of them.
 *
 * <p>Of a prompt with c right ones among n answers {@code 1 - C(n - c, k) / C(n, k)}; the mean over prompts. An answer is
 * right where the metric {@code by} gives it the score 1.
 *
 * @param k           answers of which one must be right, in [1, n]; default 1
 * @param n           answers drawn to each prompt; default 1
 * @param by          what tells right from wrong; default exact match
 * @param temperature of the draw, finite and at least 0, positive where n is above 1; default 0.8
 * @param topP        of the draw, in (0, 1]; default 0.95
 * @param seed        of the draw; default 0
 */
public record PassAtK(int k, int n, AnswerMetric by, double temperature, double topP, long seed) implements Metric {
    /** pass@k of the paper that introduced HumanEval. */
    public static final Method<PassAtK> METHOD = new Method<>("passAtK", Method.Kind.EVALUATE,
            "Evaluating Large Language Models Trained on Code (pass@k)", "arXiv 2107.03374",
            settings -> new PassAtK(settings.whole("k", 1), settings.whole("n", 1),
                    settings.fragment("by", Method.Kind.EVALUATE, AnswerMetric.class, new ExactMatch()),
                    settings.number("temperature", 0.8), settings.number("topP", 0.95), settings.whole("seed", 0L)));

    /** Refuses settings out of range, and several answers that are all the same, with a {@link FinetuneException}. */
    public PassAtK {
        Settings.require(k >= 1, "passAtK", "k", k, "at least 1");
        if (k > n) {
            throw new FinetuneException("passAtK: k is " + k + " and n is " + n + ", but of n answers no more than n can be "
                    + "taken. Draw more, such as n = " + 2 * k + ".");
        }
        Sampling.of("passAtK", "n", n, temperature, topP, seed);
    }

    @Override
    public Method<PassAtK> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        requireMeasurable(samples);
        Sampling sampling = new Sampling(n, temperature, topP, seed);
        return List.of(score(model.answers(samples, sampling), References.of(samples)));
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        by.requireMeasurable(samples);
    }

    @Override
    public int answersPerPrompt() {
        return n;
    }

    /**
     * Scores drawn answers.
     *
     * @param answers    n to each prompt
     * @param references one for each prompt
     * @throws FinetuneException when there is nothing to score or the lists do not fit together
     */
    public MetricResult score(List<List<String>> answers, List<String> references) {
        References.requirePairs("passAtK", answers, references);
        List<Double> items = new ArrayList<>();
        int unparsable = 0;
        for (int i = 0; i < answers.size(); i++) {
            List<String> drawn = answers.get(i);
            MetricResult result = by.score(drawn, Collections.nCopies(drawn.size(), references.get(i)));
            items.add(estimate(n, (int) result.items().stream().filter(item -> item == 1).count(), k));
            unparsable += result.unparsable();
        }
        String signature = "pass@k|k:" + k + "|n:" + n + "|" + new Sampling(n, temperature, topP, seed).signature();
        return MetricResult.mean(n == 1 ? "passAt1" : "passAt" + k, signature + "|by:"
                + by.method().name() + by.settings(), items, unparsable);
    }

    /** {@code 1 - C(n - c, k) / C(n, k)}, as a product that neither overflows nor cancels. */
    static double estimate(int n, int right, int k) {
        double none = 1;
        for (int i = n - right + 1; i <= n; i++) {
            none *= Math.max(0, 1 - (double) k / i);
        }
        return 1 - none;
    }
}
