package org.finetune4j.methods.evaluate;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * distinct-n: how many of the sequences of n words in the answers are different, 0 to 1; more says more diverse.
 *
 * <p>CORPUS divides the different sequences of all answers together by all of their sequences, SENTENCE takes the mean of
 * that over answers long enough. Longer answers score lower; {@link Ead} corrects that.
 *
 * @param n           words of a sequence, at least 1; default 1
 * @param level       what is counted together; default CORPUS
 * @param samples     answers to each prompt, at least 1; default 1
 * @param temperature of the draw, finite and at least 0, positive where there are several samples; default 0
 * @param topP        of the draw, in (0, 1]; default 1
 * @param seed        of the draw; default 0
 */
public record DistinctN(int n, Level level, int samples, double temperature, double topP, long seed) implements OutputMetric {
    /** What is counted together. */
    public enum Level {
        /** All answers. */
        CORPUS,
        /** Each answer. */
        SENTENCE
    }

    /** distinct-n as its paper defines it. */
    public static final Method<DistinctN> METHOD = new Method<>("distinctN", Method.Kind.EVALUATE,
            "A Diversity-Promoting Objective Function for Neural Conversation Models (distinct-n)", "arXiv 1510.03055",
            settings -> new DistinctN(settings.whole("n", 1), settings.choice("level", Level.CORPUS),
                    settings.whole("samples", 1), settings.number("temperature", 0), settings.number("topP", 1),
                    settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public DistinctN {
        Settings.require(n >= 1, "distinctN", "n", n, "at least 1");
        Sampling.of("distinctN", "samples", samples, temperature, topP, seed);
    }

    @Override
    public Method<DistinctN> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> asked, Examinee model) {
        return List.of(score(outputs(asked, model)));
    }

    /**
     * Scores texts, whose words white space parts.
     *
     * @throws org.finetune4j.FinetuneException when none of them has n words
     */
    public MetricResult score(List<String> texts) {
        List<List<String>> words = longEnough(texts.stream().map(BleuTokens.NONE::of).toList(), n);
        int unparsable = texts.size() - words.size();
        String signature = "distinct-" + n + "|" + level.name().toLowerCase(Locale.ROOT) + "|words|"
                + sampling().signature();
        DistinctCounts counts = new DistinctCounts(words, n);
        List<Double> items = IntStream.range(0, words.size()).mapToObj(place -> share(counts, place)).toList();
        String name = "distinct" + n;
        return level == Level.SENTENCE ? MetricResult.mean(name, signature, items, unparsable)
                : MetricResult.corpus(name, signature, items, unparsable, places -> share(counts, places));
    }

    private static double share(DistinctCounts counts, int... places) {
        return (double) counts.different(places) / counts.total(places);
    }
}
