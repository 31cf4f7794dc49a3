package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.Reply;
import org.finetune4j.methods.judge.Verdict;

/**
 * pass@k: how probable it is that one of k drawn answers is right, estimated without bias of n of them.
 *
 * <p>Of a prompt with c right ones among n answers {@code 1 - C(n - c, k) / C(n, k)}; the mean over prompts. An answer is
 * right where the judge {@code by} accepts it.
 *
 * @param k           answers of which one must be right, in [1, n]; default 1
 * @param n           answers drawn to each prompt; default 1
 * @param by          what tells right from wrong, no model itself, such as {@code codeTests}; default exact match
 * @param temperature of the draw, finite and at least 0, positive where n is above 1; default 0.8
 * @param topP        of the draw, in (0, 1]; default 0.95
 * @param seed        of the draw; default 0
 */
public record PassAtK(int k, int n, Judge by, double temperature, double topP, long seed) implements Metric {
    /** pass@k of the paper that introduced HumanEval. */
    public static final Method<PassAtK> METHOD = new Method<>("passAtK", Method.Kind.EVALUATE,
            "Evaluating Large Language Models Trained on Code (pass@k)", "arXiv 2107.03374",
            settings -> new PassAtK(settings.whole("k", 1), settings.whole("n", 1),
                    settings.fragment("by", Method.Kind.JUDGE, Judge.class, new ExactAnswer(new ExactMatch())),
                    settings.number("temperature", 0.8), settings.number("topP", 0.95), settings.whole("seed", 0L)));

    private static final Asker NO_MODEL = (source, stage, requests) -> {
        throw new IllegalStateException("a judge that asks a model was refused before");
    };

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
        return List.of(score(samples, model.answers(samples, sampling)));
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        References.requirePrompts("passAtK", samples);
        for (Sample sample : samples) {
            by.problem(sample).ifPresent(problem -> {
                throw new FinetuneException("passAtK: " + sample.id() + " " + problem);
            });
        }
        if (!by.work(samples).isEmpty()) {
            throw new FinetuneException("passAtK: the judge " + by.method().name() + " asks a model, but answers are told right "
                    + "from wrong by rules and tests here. Take exactAnswer() or codeTests().");
        }
    }

    @Override
    public int answersPerPrompt() {
        return n;
    }

    /** Scores the n answers that were drawn to each sample. */
    private MetricResult score(List<Sample> samples, List<List<String>> answers) {
        List<Double> items = new ArrayList<>();
        int unparsable = 0;
        for (int i = 0; i < answers.size(); i++) {
            Sample sample = samples.get(i);
            List<Verdict> verdicts = by.judge(answers.get(i).stream().map(text -> new Reply(sample, text)).toList(), NO_MODEL);
            items.add(estimate(n, (int) verdicts.stream().filter(Verdict.ACCEPTED::equals).count(), k));
            unparsable += (int) verdicts.stream().filter(Verdict.UNPARSABLE::equals).count();
        }
        String signature = "pass@k|k:" + k + "|n:" + n + "|" + new Sampling(n, temperature, topP, seed).signature();
        return MetricResult.mean("passAt" + k, signature + "|by:" + by.method().name() + by.settings(), items, unparsable);
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
