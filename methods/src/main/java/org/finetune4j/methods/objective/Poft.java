package org.finetune4j.methods.objective;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.select.ResponseScorer;

/**
 * Preference-oriented supervised fine-tuning: the model is to find a response likelier than models do that are aligned
 * already, so that what these find unlikely is learned little.
 *
 * <p>Preference-Oriented Supervised Fine-Tuning: Favoring Target Model Over Aligned Large Language Models, arXiv 2412.12865.
 * With r the mean log-probability of the response's tokens and r' the mean of the same under the aligned models, the loss of
 * a sample is
 * <pre>
 * - log sigmoid(beta (r - r') + gamma)
 * </pre>
 * and that of a step the mean over its samples, long or short. Its gradient is that of the mean negative log-likelihood times
 * {@code beta sigmoid(-(beta (r - r') + gamma))}. The aligned models score every response once before the training, each with
 * its own tokenizer and chat template; or the data bring the scores. Samples without one are left out and counted. The
 * paper's code has r over all tokens of a sample, of the prompt and the template too, while r' is that of the response
 * ({@code tokens} ALL). The paper's runs use a learning rate of 1e-6. Logs {@code nll}, {@code coefficient} and
 * {@code margin} (r - r').
 *
 * @param aligned         folders of aligned models; may be empty where the data bring scores
 * @param scores          the field of a record with a mean log-probability, or a list of them, used without aligned models
 * @param beta            greater than 0; default 1
 * @param gamma           finite; default 0
 * @param includeEndToken whether tokens that end a turn count on both sides; default false, so that scores of models with
 *                        different templates can be compared
 * @param tokens          what r is the mean over: RESPONSE (default; the paper's formula), or ALL (its code), where the end of
 *                        a turn counts in r as well
 */
public record Poft(List<String> aligned, String scores, double beta, double gamma, boolean includeEndToken, Tokens tokens)
        implements Objective {
    /** What the model's own mean is taken over. */
    public enum Tokens {
        /** The tokens of responses. */
        RESPONSE,
        /** Every token but the first, which nothing predicts; all of them are learned. */
        ALL
    }

    /** PoFT, AAAI 2025. */
    public static final Method<Poft> METHOD = new Method<>("poft", Method.Kind.OBJECTIVE,
            "Preference-Oriented Supervised Fine-Tuning: Favoring Target Model Over Aligned Large Language Models",
            "arXiv 2412.12865", settings -> new Poft(settings.texts("aligned", List.of()),
                    settings.text("scores", "alignedScores"), settings.number("beta", 1), settings.number("gamma", 0),
                    settings.flag("includeEndToken", false), settings.choice("tokens", Tokens.RESPONSE)));
    static final String SCORE = "alignedScore";
    static final String COUNTED = "counted";

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Poft {
        aligned = List.copyOf(aligned);
        Settings.require(beta > 0 && Double.isFinite(beta), "poft", "beta", beta, "a finite number above 0");
        Settings.require(Double.isFinite(gamma), "poft", "gamma", gamma, "finite");
        Settings.require(!aligned.isEmpty() || !scores.isBlank(), "poft", "aligned", aligned,
                "the folders of aligned models, unless scores names a field of the data");
    }

    @Override
    public Method<Poft> method() {
        return METHOD;
    }

    @Override
    public Reduction reduction() {
        return Reduction.SUM_PER_SEQUENCE;
    }

    @Override
    public boolean preparesExamples() {
        return true;
    }

    @Override
    public TokenLoss tokenLoss() {
        return new SampleTokenLoss(new PoftLoss(beta, gamma), SCORE, COUNTED);
    }

    @Override
    public ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        Map<String, Double> known = aligned.isEmpty() ? given(preparation.samples()) : scored(preparation);
        List<Example> prepared = new ArrayList<>();
        int missing = 0;
        for (Example example : preparation.examples()) {
            Double score = known.get(example.id());
            if (score == null || !Double.isFinite(score)) {
                missing++;
                continue;
            }
            if (score > 0) {
                throw new FinetuneException("poft: the aligned score of " + example.id() + " is " + score + ", but a mean "
                        + "log-probability is at most 0. Give log-probabilities.");
            }
            prepared.add(tokens == Tokens.ALL ? everyToken(example).withColumn(SCORE, score)
                    : example.withColumn(SCORE, score).withColumn(COUNTED, counted(example, preparation)));
        }
        if (prepared.isEmpty()) {
            throw new FinetuneException("poft needs aligned scores, and none of " + preparation.examples().size()
                    + " samples has one" + (aligned.isEmpty() ? " in its field '" + scores + "'. Give the folders of aligned "
                    + "models, or name the field that holds the scores." : "."));
        }
        Map<String, String> report = new LinkedHashMap<>();
        report.put("samples with aligned scores", String.valueOf(prepared.size()));
        report.put("left out without one", String.valueOf(missing));
        report.put("mean aligned score", String.format(Locale.ROOT, "%.4f",
                prepared.stream().mapToDouble(example -> example.columns().get(SCORE)[0]).average().orElseThrow()));
        return new ExamplePreparation.Prepared(prepared, report);
    }

    /** The sample with every token learned and counted. */
    static Example everyToken(Example example) {
        boolean[] all = new boolean[example.ids().length];
        Arrays.fill(all, true);
        return new Example(example.id(), example.ids(), all, example.columns(), example.companions())
                .withColumn(COUNTED, 1);
    }

    /** 1 for tokens whose log-probability counts, 0 for others. */
    private float[] counted(Example example, ExamplePreparation preparation) {
        float[] counted = new float[example.ids().length];
        int count = 0;
        for (int i = 1; i < counted.length; i++) {
            boolean counts = example.supervised()[i]
                    && (includeEndToken || !preparation.stopIds().contains(example.ids()[i]));
            counted[i] = counts ? 1 : 0;
            count += counts ? 1 : 0;
        }
        if (count == 0) {
            throw new FinetuneException("poft: the response of " + example.id() + " is empty but for its end. Remove it.");
        }
        return counted;
    }

    private Map<String, Double> given(List<Sample> samples) {
        Map<String, Double> means = new LinkedHashMap<>();
        for (Sample sample : samples) {
            String text = sample.fields().get(scores);
            if (text != null) {
                means.put(sample.id(), mean(sample.id(), text));
            }
        }
        return means;
    }

    private double mean(String sample, String text) {
        String[] numbers = text.replaceAll("[\\[\\]\\s]", "").split(",");
        double sum = 0;
        for (String number : numbers) {
            try {
                sum += number.equals("null") || number.isEmpty() ? Double.NaN : Double.parseDouble(number);
            } catch (NumberFormatException e) {
                throw new FinetuneException("poft: field '" + scores + "' of " + sample + " is '" + text
                        + "', but must be a number or a list of numbers.", e);
            }
        }
        return sum / numbers.length;
    }

    private Map<String, Double> scored(ExamplePreparation preparation) {
        List<Sample> samples = preparation.samples();
        double[] sums = new double[samples.size()];
        for (String folder : aligned) {
            ResponseScorer scorer = preparation.context().scorer(Path.of(folder), includeEndToken);
            List<float[]> found = scorer.tokenLogProbabilities(samples);
            for (int i = 0; i < sums.length; i++) {
                sums[i] += ResponseScorer.sum(found.get(i)) / found.get(i).length;
            }
        }
        Map<String, Double> means = new LinkedHashMap<>();
        for (int i = 0; i < sums.length; i++) {
            means.put(samples.get(i).id(), sums[i] / aligned.size());
        }
        return means;
    }

    @Override
    public List<Path> scorers() {
        return aligned.stream().map(Path::of).toList();
    }

    @Override
    public List<String> problems(Composition composition) {
        List<String> problems = new ArrayList<>(composition.refuseShortened("poft compares whole responses with what aligned models make of them"));
        if (composition.selectors().contains("qTuning")) {
            problems.add("poft compares whole responses with what aligned models make of them, but qTuning takes tokens out "
                    + "of them. Leave one of the two out.");
        }
        return problems;
    }
}
