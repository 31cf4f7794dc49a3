package org.finetune4j.methods.objective;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.EpochStage;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Decoding;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.select.ResponseScorer;
import org.finetune4j.tokenizer.Message;

/**
 * Discriminative fine-tuning: the right answer must win against answers of the base model, without preference data.
 *
 * <p>Discriminative Finetuning of Generative Large Language Models without Reward Models and Preference Data,
 * arXiv 2502.18679 (there DFT and DFT2). Before the training the base model answers every prompt {@code perEpoch} times for
 * each epoch, under a system turn that asks for bad answers. With y the right answer, y'_b one of these of the epoch, s the
 * sum (form SUM) or mean (form MEAN) of an answer's log-probabilities, and lp0 the sum under the base model, the loss of a
 * sample is
 * <pre>
 * - s(y) + 1/B sum_b sg[w_b] s(y'_b),   w_b = exp(d_b) / u,   d_b = s(y'_b) / tau - lp0(y'_b)   (MEAN: without lp0)
 * </pre>
 * where u, one number a sample, follows the mean of {@code exp(d_b)} with the rate gamma; it is part of checkpoints. The
 * gradient is that of {@code - s(y) + tau log E[exp(s / tau)]}. An answer equal to the right one is left out. Where
 * {@code maxSteps} rules, answers are drawn for as many passes over the data as its steps can take. The paper's runs use a
 * learning rate of 2e-6 and 2 epochs. Logs {@code nll}, {@code objective} (- s(y) + tau log u), {@code weight} (mean w) and
 * {@code logU}.
 *
 * @param form         SUM (default; the paper's DFT) or MEAN (its DFT2)
 * @param tau          temperature, greater than 0; default 1, with MEAN 0.3
 * @param gamma        how fast u follows, in (0, 1]; default 0.85, with MEAN 0.9
 * @param perEpoch     B, at least 1; default 2
 * @param startLogU    log u at the start, finite; default 0
 * @param temperature  of the draws, greater than 0; default 0.7
 * @param topK         how many of the likeliest tokens are drawn from, at least 0; default 50, 0 for all
 * @param maxNewTokens longest answer in tokens, at least 1; default 320
 * @param system       the system turn that asks for bad answers; empty for none
 */
public record Discriminative(Form form, double tau, double gamma, int perEpoch, double startLogU, double temperature,
                             int topK, int maxNewTokens, String system) implements Objective {
    /** Discriminative fine-tuning, 2025. */
    public static final Method<Discriminative> METHOD = new Method<>("discriminative", Method.Kind.OBJECTIVE,
            "Discriminative Finetuning of Generative Large Language Models without Reward Models and Preference Data",
            "arXiv 2502.18679", Discriminative::from);
    /** What asks for bad answers. */
    public static final String UNHELPFUL = "You are an unhelpful assistant.";
    private static final int TOP_K = 50;
    static final String REFERENCE = "referenceLogProbability";
    private static final String NAME = "discriminative";

    /** What an answer is scored by. */
    public enum Form {
        /** The sum of its log-probabilities, against that under the base model. */
        SUM,
        /** Their mean. */
        MEAN
    }

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Discriminative {
        Settings.require(tau > 0 && Double.isFinite(tau), NAME, "tau", tau, "a finite number above 0");
        Settings.require(gamma > 0 && gamma <= 1, NAME, "gamma", gamma, "in (0, 1]");
        Settings.require(perEpoch >= 1, NAME, "perEpoch", perEpoch, "at least 1");
        Settings.require(Double.isFinite(startLogU), NAME, "startLogU", startLogU, "finite");
        Settings.require(temperature > 0 && Double.isFinite(temperature), NAME, "temperature", temperature,
                "a finite number above 0");
        Settings.require(topK >= 0, NAME, "topK", topK, "0 (all) or positive");
        Settings.require(maxNewTokens >= 1, NAME, "maxNewTokens", maxNewTokens, "at least 1");
    }

    private static Discriminative from(Settings settings) {
        Form form = settings.choice("form", Form.SUM);
        return new Discriminative(form, settings.number("tau", form == Form.SUM ? 1 : 0.3),
                settings.number("gamma", form == Form.SUM ? 0.85 : 0.9), settings.whole("perEpoch", 2),
                settings.number("startLogU", 0), settings.number("temperature", 0.7), settings.whole("topK", TOP_K),
                settings.whole("maxNewTokens", 320), settings.text("system", UNHELPFUL));
    }

    @Override
    public Method<Discriminative> method() {
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
    public int sequencesPerSample() {
        return 1 + perEpoch;
    }

    @Override
    public TokenLoss tokenLoss() {
        return new SampleTokenLoss(new DiscriminativeLoss(this), REFERENCE);
    }

    /** Each pass over the data has negatives of its own. */
    @Override
    public EpochStage epochStage() {
        return (all, epoch) -> all.stream().map(example -> example.withCompanions(example.companions().stream()
                .filter(companion -> companion.id().contains(mark(epoch))).toList())).toList();
    }

    private static String mark(int epoch) {
        return "~" + epoch + ".";
    }

    @Override
    public ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        Map<String, Example> gold = new LinkedHashMap<>();
        preparation.examples().forEach(example -> gold.put(example.id(), example));
        List<Sample> samples = preparation.samples().stream().filter(sample -> gold.containsKey(sample.id())).toList();
        samples.stream().filter(Sample::isDocument).findFirst().ifPresent(document -> {
            throw new FinetuneException("discriminative: " + document.id() + " is a plain text, which has no prompt to answer. "
                    + "Leave it out.");
        });
        List<TextRequest> requests = requests(samples, preparation);
        List<TextAnswer> answers = preparation.context().answer(new Policy(), "draw answers to discriminate against", requests);
        List<Sample> negatives = new ArrayList<>();
        int equal = 0;
        int each = perEpoch * preparation.epochs();
        for (int i = 0; i < answers.size(); i++) {
            Sample sample = samples.get(i / each);
            String text = answers.get(i).text();
            if (text.isBlank() || text.strip().equals(String.valueOf(sample.response()).strip())) {
                equal++;
            } else {
                negatives.add(sample.withResponse(text).withId(requests.get(i).id()));
            }
        }
        Map<String, List<Example>> companions = new LinkedHashMap<>();
        List<Example> encoded = negatives.stream().flatMap(negative -> preparation.encoder().encodeOne(negative).stream())
                .toList();
        double[] references = references(negatives, encoded, preparation);
        for (int i = 0; i < encoded.size(); i++) {
            String id = encoded.get(i).id();
            companions.computeIfAbsent(id.substring(0, id.lastIndexOf('~')), missing -> new ArrayList<>())
                    .add(encoded.get(i).withColumn(REFERENCE, references[i]));
        }
        List<Example> prepared = gold.values().stream().map(example -> example.withColumn(REFERENCE, 0)
                .withCompanions(companions.getOrDefault(example.id(), List.of()))).toList();
        if (equal > 0) {
            preparation.context().warned(equal + " of " + answers.size() + " answers of the base model are empty or equal the "
                    + "right ones, and are left out.");
        }
        return new ExamplePreparation.Prepared(prepared, Map.of("answers to discriminate against",
                encoded.size() + " of " + answers.size() + ", " + perEpoch + " a prompt and epoch"));
    }

    @Override
    public List<TextWork> work(List<Sample> samples, int epochs) {
        long each = (long) perEpoch * epochs;
        return List.of(new TextWork(new Policy(), "answers to discriminate against", each * samples.size(), each
                * samples.stream().mapToLong(sample -> TextWork.tokens(sample.prompt())).sum(), maxNewTokens));
    }

    private List<TextRequest> requests(List<Sample> samples, ExamplePreparation preparation) {
        Decoding decoding = new Decoding(temperature, 1, topK, maxNewTokens);
        List<TextRequest> requests = new ArrayList<>();
        for (Sample sample : samples) {
            List<Message> turns = new ArrayList<>(sample.prompt());
            if (!system.isEmpty()) {
                turns.removeIf(turn -> turn.role().equals("system"));
                turns.add(0, new Message("system", system));
            }
            for (int epoch = 0; epoch < preparation.epochs(); epoch++) {
                for (int b = 0; b < perEpoch; b++) {
                    String id = sample.id() + mark(epoch) + b;
                    requests.add(new TextRequest(id, sample.conversation().withMessages(turns), decoding,
                            CounterRandom.seed(preparation.seed(), id, 0)));
                }
            }
        }
        return requests;
    }

    private double[] references(List<Sample> negatives, List<Example> encoded, ExamplePreparation preparation) {
        double[] references = new double[encoded.size()];
        if (form == Form.MEAN || encoded.isEmpty()) {
            return references;
        }
        Map<String, Integer> places = new LinkedHashMap<>();
        encoded.forEach(example -> places.put(example.id(), places.size()));
        List<Sample> kept = negatives.stream().filter(sample -> places.containsKey(sample.id())).toList();
        List<float[]> found = preparation.context().scorer().tokenLogProbabilities(kept);
        for (int i = 0; i < kept.size(); i++) {
            references[places.get(kept.get(i).id())] = ResponseScorer.sum(found.get(i));
        }
        return references;
    }

    @Override
    public List<String> problems(Composition composition) {
        List<String> problems = new ArrayList<>(composition.refuseShortened("discriminative compares whole answers"));
        if (composition.selectors().contains("uds")) {
            problems.add("discriminative compares several answers to each prompt, but uds chooses samples of one. Leave one of "
                    + "the two out.");
        }
        if (composition.selectors().contains("qTuning")) {
            problems.add("discriminative compares whole answers, but qTuning takes tokens out of them. Leave one of the two "
                    + "out.");
        }
        return problems;
    }
}
