package org.finetune4j.methods.evaluate;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.Examinee.Continuation;
import org.finetune4j.methods.evaluate.Examinee.Likelihood;

/**
 * Perplexity of texts: how surprised the model is by them; less is better, and the mean is taken over the whole corpus.
 *
 * <p>With the summed log-likelihood of all texts, {@code exp(-sum / count)} of tokens, words or bytes, or
 * {@code -sum / bytes / ln 2}. Words are the pieces that white space parts in the original text. A plain text is read
 * through {@link RollingWindows}; of a conversation it is the response that counts, given its prompt and without the token
 * that ends it. The score of an item is its own perplexity.
 *
 * @param unit          what the log-likelihood is divided by; default TOKEN
 * @param window        most tokens that the model sees of a plain text, at least 1; 0 (the default) for its whole context
 * @param contextLength tokens that a full window repeats of the one before it, at least 1 and at most {@code window};
 *                      default 1
 */
public record Perplexity(Unit unit, int window, int contextLength) implements Metric {
    /** What the log-likelihood is divided by. */
    public enum Unit {
        /** Tokens of the model's tokenizer: comparable between models of one tokenizer only. */
        TOKEN,
        /** Words. */
        WORD,
        /** UTF-8 bytes. */
        BYTE,
        /** UTF-8 bytes, and the result in bits: bits per byte. */
        BITS_PER_BYTE,
        /** Texts, as lm-evaluation-harness does for tasks with one continuation. */
        TEXT
    }

    /** Perplexity as lm-evaluation-harness defines it. */
    public static final Method<Perplexity> METHOD = new Method<>("perplexity", Method.Kind.EVALUATE, "Perplexity",
            "lm-evaluation-harness 0.4", settings -> new Perplexity(settings.choice("unit", Unit.TOKEN),
                    settings.whole("window", 0), settings.whole("contextLength", 1)));

    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Perplexity {
        Settings.require(window >= 0, "perplexity", "window", window, "at least 1, or 0 for the model's context");
        Settings.require(contextLength >= 1 && (window == 0 || contextLength <= window), "perplexity", "contextLength",
                contextLength, "at least 1 and at most the window");
    }

    /** The defaults. */
    public Perplexity() {
        this(Unit.TOKEN, 0, 1);
    }

    @Override
    public Method<Perplexity> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        requireMeasurable(samples);
        List<String> texts = samples.stream().map(Perplexity::text).toList();
        List<Likelihood> plain = model.rollingLikelihoods(samples.stream().filter(Sample::isDocument).map(Perplexity::text)
                .toList(), window, contextLength);
        List<Likelihood> responses = model.likelihoods(samples.stream().filter(sample -> !sample.isDocument())
                .map(sample -> new Continuation(sample, text(sample))).toList());
        List<Likelihood> likelihoods = new ArrayList<>();
        int documents = 0;
        for (Sample sample : samples) {
            likelihoods.add(sample.isDocument() ? plain.get(documents++) : responses.get(likelihoods.size() - documents));
        }
        return List.of(score(texts, likelihoods));
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        References.requireAny("perplexity", samples);
        for (Sample sample : samples) {
            String text = sample.isDocument() ? sample.fields().get(Sample.DOCUMENT) : sample.response();
            if (text == null || text.isEmpty()) {
                throw new FinetuneException("perplexity: " + sample.id() + " has no text to be surprised by. Give it a "
                        + "response, or leave the sample out.");
            }
        }
    }

    private static String text(Sample sample) {
        return Objects.requireNonNull(sample.isDocument() ? sample.fields().get(Sample.DOCUMENT) : sample.response());
    }

    /** The perplexity of texts whose likelihoods are known. */
    MetricResult score(List<String> texts, List<Likelihood> likelihoods) {
        References.requirePairs("perplexity", texts, likelihoods);
        double[] counts = new double[texts.size()];
        Arrays.setAll(counts, i -> count(texts.get(i), likelihoods.get(i)));
        List<Double> items = new ArrayList<>();
        for (int i = 0; i < counts.length; i++) {
            items.add(value(likelihoods.get(i).sum(), counts[i]));
        }
        String name = unit == Unit.BITS_PER_BYTE ? "bitsPerByte" : "perplexity";
        return MetricResult.corpus(name, name + "|unit:" + unit.name().toLowerCase(Locale.ROOT) + "|window:"
                + (window == 0 ? "context" : window) + "|repeated:" + contextLength, items, 0, places -> value(
                Arrays.stream(places).mapToDouble(place -> likelihoods.get(place).sum()).sum(),
                Arrays.stream(places).mapToDouble(place -> counts[place]).sum()));
    }

    private double count(String text, Likelihood likelihood) {
        return switch (unit) {
            case TOKEN -> likelihood.tokens();
            case WORD -> SPACE.split(text, -1).length;
            case BYTE, BITS_PER_BYTE -> text.getBytes(StandardCharsets.UTF_8).length;
            case TEXT -> 1;
        };
    }

    private double value(double sum, double count) {
        double surprise = -sum / count;
        return unit == Unit.BITS_PER_BYTE ? surprise / Math.log(2) : Math.exp(surprise);
    }
}
