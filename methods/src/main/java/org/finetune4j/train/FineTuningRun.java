package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.ReadData;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.Methods;
import org.finetune4j.methods.evaluate.Metric;
import org.finetune4j.methods.evaluate.MetricResult;
import org.finetune4j.methods.objective.ExamplePreparation;
import org.finetune4j.methods.objective.PassContext;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.generate.SourceContext;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.select.Selector;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One run of a job: load, select, measure, train, measure. */
final class FineTuningRun {
    private static final String HELD_OUT_LOSS = "heldOutLoss";
    private static final long MILLION = 1_000_000;
    private static final long TOLD_PARAMETERS = 500 * MILLION;

    private final FineTuning job;
    private final Preparation preparation;
    private final TrainingListener listener;
    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final TextEncoding encoding;
    private final List<Sample> prompts;
    private final String baseHash;

    private FineTuningRun(FineTuning job, Preparation preparation, TrainingListener listener, LanguageModel model,
                          Tokenizer tokenizer) {
        this.job = job;
        this.preparation = preparation;
        this.listener = listener;
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoding = new TextEncoding(tokenizer, job.chatTemplate(), job.supervision(),
                model.config().vocabularySize());
        this.prompts = Planner.prompts(job, preparation.heldOut());
        // Nothing trains yet, so that this is the hash of every base weight.
        this.baseHash = model.parameters().hashOfFrozen();
    }

    /** Runs a job whose plan has no problems. */
    static FineTuned run(FineTuning job, Preparation preparation, TrainingListener listener) {
        try (RunLock lock = job.runFolder() == null ? null : RunLock.of(job.runFolder())) {
            return runAlone(job, preparation, listener);
        }
    }

    private static FineTuned runAlone(FineTuning job, Preparation preparation, TrainingListener listener) {
        listener.stageBegan(preparation.plan().stages().get(0));
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            Kernels kernels = KernelChoice.named(job.kernels());
            opened.add(kernels);
            Tokenizer tokenizer = Tokenizer.load(job.base().folder());
            opened.add(tokenizer);
            LanguageModel model = load(job, kernels, listener);
            opened.add(model);
            return new FineTuningRun(job, preparation, listener, model, tokenizer).run(opened);
        } catch (RuntimeException | Error e) {
            try {
                closeAll(opened);
            } catch (RuntimeException | Error closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    private static LanguageModel load(FineTuning job, Kernels kernels, TrainingListener listener) {
        if (job.base() instanceof BaseModel.Fresh fresh) {
            return LanguageModel.random(ModelConfig.read(fresh.folder()), job.train().precision(),
                    job.train().frozenWeights(), kernels, fresh.seed());
        }
        return LanguageModel.load(job.base().folder(), job.train().precision(), job.train().frozenWeights(), kernels,
                (done, total) -> {
                    // A small model is there before anybody could read of it.
                    if (total > TOLD_PARAMETERS) {
                        listener.stageProgressed("load millions of parameters", done / MILLION, total / MILLION);
                    }
                });
    }

    /** Closes in reverse what was opened, all of it; the first failure is thrown with the others suppressed. */
    static void closeAll(List<AutoCloseable> opened) {
        RuntimeException failure = null;
        for (int i = opened.size() - 1; i >= 0; i--) {
            try {
                opened.get(i).close();
            } catch (Exception e) {
                if (failure == null) {
                    failure = e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private FineTuned run(List<AutoCloseable> opened) {
        EncodedSamples data = trainingData();
        warnOfLeaks();
        EncodedSamples heldOut = preparation.heldOutEncoded();
        Baseline before = before();
        decideWhatTrains();
        Trainer.Outcome outcome = train(data, heldOut);
        List<String> after = answers("generate answers with the tuned model");
        List<FineTuned.Comparison> comparisons = compare(before, scores(after), outcome, heldOut);
        return new TunedModel(job, preparation.plan(), model, tokenizer, encoding, opened, data, outcome, comparisons,
                shown(before.answers(), after));
    }

    private EncodedSamples trainingData() {
        EncodedSamples ready = preparation.encoded();
        if (ready != null) {
            return completed(preparation.samples(), ready);
        }
        if (preparation.longResponses() > 0) {
            listener.warned(preparation.longResponses() + " responses that make their samples longer than "
                    + preparation.limit().tokens() + " tokens are left out before the choice, because tooLong is DROP.");
        }
        List<Sample> chosen = preparation.samples();
        try (GeneratingPolicy policy = new GeneratingPolicy();
             RunSelection context = new RunSelection(this::scorer, policy, job.runFolder(), listener)) {
            for (Selector selector : job.selectors()) {
                chosen = select(selector, chosen, context);
            }
        }
        return completed(chosen, encoder().encode(chosen));
    }

    private List<Sample> select(Selector selector, List<Sample> samples, RunSelection context) {
        Selector.Selection selection = selector.select(samples, context);
        listener.selected(selection.report());
        if (selection.samples().isEmpty()) {
            throw new FinetuneException("select: " + selector.method().name() + " left none of " + samples.size()
                    + " samples to train on. Loosen its settings or give it other data.");
        }
        return selection.samples();
    }

    private Encoder encoder() {
        return new Encoder(encoding, preparation.limit(), job.train().tooLong());
    }

    /** With what the objective wants of every sample. */
    private EncodedSamples completed(List<Sample> samples, EncodedSamples data) {
        if (!job.objective().preparesExamples()) {
            return data;
        }
        try (ModelScorer scorer = scorer()) {
            ExamplePreparation.Prepared prepared = job.objective().prepare(new ExamplePreparation(samples,
                    data.examples(), encoder(), tokenizer, scorer, job.train().seed(), job.runFolder()));
            listener.selected(prepared.report());
            if (prepared.examples().isEmpty()) {
                throw new FinetuneException("objective: " + job.objective().method().name() + " left none of "
                        + data.examples().size() + " samples to train on: " + prepared.report() + ".");
            }
            return new EncodedSamples(prepared.examples(), data.dropped(), data.cut(), data.lengths());
        }
    }

    private ModelScorer scorer() {
        return new ModelScorer(model, encoding, preparation.limit(), job.train().tooLong(), job.train().tokensPerBatch(),
                listener, scoreCache());
    }

    /** The models that selectors may ask: this run's own before it trains, and others with its precision and kernels. */
    private final class GeneratingPolicy implements SourceContext, AutoCloseable {
        private @Nullable GeneratingModel policy;

        @Override
        public TextModel policy() {
            if (policy == null) {
                policy = GeneratingModel.of(model, tokenizer, encoding, arithmetic());
            }
            return policy;
        }

        @Override
        public TextModel load(Path folder) {
            return GeneratingModel.load(folder, job.train().precision(), job.kernels());
        }

        @Override
        public void close() {
            if (policy != null) {
                policy.close();
            }
        }
    }

    /** What tells two models apart that compute the same text otherwise. */
    private String arithmetic() {
        return baseHash + " " + job.train().precision() + " " + job.train().frozenWeights() + " " + job.kernels();
    }

    private @Nullable ScoreCache scoreCache() {
        Path runFolder = job.runFolder();
        return runFolder == null ? null : new ScoreCache(runFolder, arithmetic() + " " + job.train().tokensPerBatch());
    }

    private void warnOfLeaks() {
        List<String> leaks = preparation.heldOut().stream().filter(sample -> !sample.isDocument()
                && preparation.prompts().contains(ReadData.prompt(sample))).map(Sample::id).toList();
        if (!leaks.isEmpty()) {
            listener.warned(leaks.size() + " of " + preparation.heldOut().size() + " held-out prompts ask first what is trained on too, "
                    + "such as " + leaks.get(0) + ", so that what is measured says less than it seems to.");
        }
    }

    private List<Metric> metrics() {
        return job.evaluation() == null ? List.of() : job.evaluation().metrics();
    }

    private List<String> answers(String stage) {
        return prompts.isEmpty() ? List.of() : Answers.of(model, tokenizer, encoding, prompts,
                java.util.Objects.requireNonNull(job.evaluation()).maxNewTokens(), stage, listener);
    }

    private List<MetricResult> scores(List<String> answers) {
        List<String> references = prompts.stream().map(sample -> String.valueOf(Planner.reference(sample))).toList();
        return metrics().stream().map(metric -> metric.score(answers, references)).toList();
    }

    private Baseline before() {
        String key = Hashes.of(baseHash + job.train().precision() + job.train().frozenWeights() + job.kernels() + prompts + encodedPrompts()
                + settings(metrics()) + (job.evaluation() == null ? 0 : job.evaluation().maxNewTokens()));
        Path runFolder = job.runFolder();
        Baseline known = runFolder == null ? null : Baseline.read(runFolder, key);
        if (known != null) {
            return known;
        }
        List<String> answers = answers("generate answers with the base model");
        Baseline measured = new Baseline(key, scores(answers), answers);
        if (runFolder != null) {
            RunRecord.createFolder(runFolder);
            measured.write(runFolder);
        }
        return measured;
    }

    /** What tokenizer and template make of the prompts, so that with others it is measured again. */
    private String encodedPrompts() {
        return prompts.isEmpty() ? "" : prompts.stream().map(sample -> Arrays.toString(encoding.prompt(sample.id(),
                sample.promptConversation()))).toList().toString() + new TreeSet<>(encoding.stopIds());
    }

    private void decideWhatTrains() {
        if (job.adapter() == null) {
            model.trainAll();
        } else {
            model.attach(job.adapter().linearAdapter(), CounterRandom.seed(job.train().seed(), "adapter", 0));
        }
    }

    private Trainer.Outcome train(EncodedSamples data, @Nullable EncodedSamples heldOut) {
        listener.stageBegan("train " + data.examples().size() + " samples with " + job.objective().method().name());
        Map<String, String> identity = new LinkedHashMap<>();
        identity.put("base", baseHash);
        identity.put("objective", settings(List.of(job.objective())));
        identity.put("adapter", job.adapter() == null ? "none" : settings(List.of(job.adapter())));
        if (job.continueFrom() != null) {
            identity.put("continueFrom", job.continueFrom() + " step " + beginWithWeightsOf(job.continueFrom()));
        }
        TokenLoss loss = job.objective().tokenLoss();
        TrainingJob training = new TrainingJob(job.train(), job.train().learningRate(job.adapter() != null),
                job.objective().reduction(), data, heldOut, job.runFolder(), identity, job.recipe(),
                StepRule.of(loss, null));
        boolean ownObjective = Methods.all().stream().noneMatch(method -> method.equals(job.objective().method()));
        TrainingListener hearing = ownObjective ? new OwnObjectiveWarning(listener, job.objective().method().name())
                : listener;
        EngineOptions options = preparation.plan().memory().options();
        // What completes samples for training does not do so for held-out ones.
        TokenLoss heldOutLoss = job.objective().preparesExamples() ? new Sft() : null;
        try (ModelGradientEngine engine = new ModelGradientEngine(model, loss, heldOutLoss, options)) {
            GradientEngine passes = job.objective().engine(engine, new PassContext(model, options,
                    new OtherBatches(data.examples(), job.train())));
            try {
                return new Trainer(passes, model.kernels(), training, AtomicFiles.onDisk(), hearing).run();
            } finally {
                if (passes != engine) {
                    passes.close();
                }
            }
        }
    }

    /** Done before the engine is made, because a frozen copy of these weights may be its reference. */
    private long beginWithWeightsOf(Path runFolder) {
        Checkpoints.Checkpoint start = RunRecord.startingPoint(runFolder, listener);
        Map<String, INDArray> weights = new LinkedHashMap<>();
        model.parameters().trainable().forEach(parameter -> weights.put(parameter.name(), parameter.master()));
        start.readInto(weights, null);
        model.parameters().mastersChanged();
        return start.state().step();
    }

    private static String settings(List<? extends Fragment> fragments) {
        return fragments.stream().map(fragment -> fragment.method().name() + fragment.settings()).toList().toString();
    }

    private static List<FineTuned.Comparison> compare(Baseline before, List<MetricResult> after, Trainer.Outcome outcome,
                                                      @Nullable EncodedSamples heldOut) {
        List<FineTuned.Comparison> comparisons = new ArrayList<>();
        for (int i = 0; i < after.size(); i++) {
            comparisons.add(new FineTuned.Comparison(after.get(i).name(), before.metrics().get(i), after.get(i)));
        }
        if (heldOut != null) {
            int count = heldOut.examples().size();
            comparisons.add(new FineTuned.Comparison(HELD_OUT_LOSS, loss(outcome.evaluations().get(0), count),
                    loss(outcome.evaluations().get(outcome.evaluations().size() - 1), count)));
        }
        return comparisons;
    }

    /** The plain negative log-likelihood where the objective reports it, so that objectives can be compared. */
    private static MetricResult loss(TrainingListener.EvaluationEvent event, int count) {
        Double plain = event.values().get("nll");
        return new MetricResult(HELD_OUT_LOSS, plain == null ? "mean objective per supervised token"
                : "mean negative log-likelihood per supervised token", plain == null ? event.loss() : plain, null, count,
                0, List.of());
    }

    private List<FineTuned.Answer> shown(List<String> before, List<String> after) {
        List<FineTuned.Answer> answers = new ArrayList<>();
        for (int i = 0; i < Math.min(Planner.SHOWN_ANSWERS, prompts.size()); i++) {
            List<Message> turns = prompts.get(i).prompt();
            answers.add(new FineTuned.Answer(turns.get(turns.size() - 1).text(), Planner.reference(prompts.get(i)),
                    before.get(i), after.get(i)));
        }
        return answers;
    }
}
