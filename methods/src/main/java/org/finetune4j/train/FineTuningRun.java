package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.data.Contents;
import org.finetune4j.data.DataPosition;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Example;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.Packer;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.MaskToken;
import org.finetune4j.methods.evaluate.MetricResult;
import org.finetune4j.methods.evaluate.References;
import org.finetune4j.methods.objective.DelegatingTokenLoss;
import org.finetune4j.methods.objective.ExamplePreparation;
import org.finetune4j.methods.objective.PassContext;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.BatchContext;
import org.finetune4j.methods.select.BatchMethod;
import org.finetune4j.methods.select.SelectionRules;
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
    private final String baseHash;
    private final PolicyAsked policy;
    private List<Sample> pool = List.of();

    private FineTuningRun(FineTuning job, Preparation preparation, TrainingListener listener, LanguageModel model,
                          Tokenizer tokenizer) {
        this.job = job;
        this.preparation = preparation;
        this.listener = listener;
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoding = new TextEncoding(tokenizer, job.chatTemplate(), job.supervision(),
                model.config().vocabularySize());
        // Nothing trains yet, so that this is the hash of every base weight.
        this.baseHash = model.parameters().hashOfFrozen();
        this.policy = new PolicyAsked(job, preparation, model, tokenizer, encoding, baseHash, listener);
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
        Path start = job.continueFrom();
        // What is asked before the training is asked of the weights that it begins with.
        long startStep = start == null ? 0 : beginWithWeightsOf(start);
        EncodedSamples data = trainingData();
        warnOfLeaks();
        EncodedSamples heldOut = preparation.heldOutEncoded();
        Measurement measurement = new Measurement(job, preparation, model, tokenizer, encoding, policy.arithmetic(),
                listener);
        Baseline before = measurement.before();
        if (start == null) {
            decideWhatTrains();
        }
        Trainer.Outcome outcome = train(data, heldOut, startStep);
        Baseline after = measurement.after();
        List<FineTuned.Comparison> comparisons = compare(before, after.metrics(), outcome, heldOut);
        if (job.runFolder() != null) {
            EvaluationFiles.write(job.runFolder(), baseHash, comparisons);
        }
        return new TunedModel(job, preparation.plan(), model, tokenizer, encoding, opened, data, outcome, comparisons,
                shown(measurement.shown(), before.answers(), after.answers()));
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
        List<Sample> chosen = policy.select(job.selectors(), preparation.samples());
        if (!job.epochSelectors().isEmpty()) {
            pool = chosen;
            return policy.encoder().encode(SelectionRules.likely(job.epochSelectors(), chosen));
        }
        return completed(chosen, policy.encoder().encode(chosen));
    }

    /** With what the objective and the methods that work on batches want of every sample. */
    private EncodedSamples completed(List<Sample> samples, EncodedSamples data) {
        EncodedSamples completed = data;
        if (job.objective().preparesExamples()) {
            completed = completed(samples, completed, "objective: " + job.objective().method().name(),
                    job.objective()::prepare);
        }
        for (BatchMethod method : job.batchMethods()) {
            if (method.preparesExamples()) {
                completed = completed(samples, completed, "select: " + method.method().name(), method::prepare);
            }
        }
        return completed;
    }

    private EncodedSamples completed(List<Sample> samples, EncodedSamples data, String what,
                                     Function<ExamplePreparation, ExamplePreparation.Prepared> preparing) {
        ExamplePreparation.Prepared prepared = policy.with(context -> preparing.apply(new ExamplePreparation(samples,
                data.examples(), policy.encoder(), tokenizer, encoding.stopIds(), context, passes(data.examples()),
                job.train().seed())));
        listener.selected(prepared.report());
        if (prepared.examples().isEmpty()) {
            throw new FinetuneException(what + " left none of " + data.examples().size()
                    + " samples to train on: " + prepared.report() + ".");
        }
        return new EncodedSamples(prepared.examples(), data.dropped(), data.cut(), data.lengths());
    }

    private long warmupSteps(List<Example> examples) {
        TrainSettings train = job.train();
        long steps = train.maxSteps() > 0 ? train.maxSteps() : new Packer(examples, job.objective().epochStage(),
                train.tokensPerBatch(), train.accumulate(), train.seed()).steps(train.epochs());
        return train.warmupSteps(steps);
    }

    /** The most passes over the samples that the training begins. */
    private int passes(List<Example> examples) {
        TrainSettings train = job.train();
        if (train.maxSteps() == 0) {
            return Math.max(1, train.epochs());
        }
        // With companions a step holds no more of the samples than without, so that no later pass is begun.
        Packer packer = new Packer(examples, train.tokensPerBatch(), train.accumulate(), train.seed());
        DataPosition last = DataPosition.START;
        for (long step = 1; step < train.maxSteps(); step++) {
            last = packer.step(last).next();
        }
        return last.epoch() + 1;
    }

    private void warnOfLeaks() {
        Overlap leaks = Overlap.of(preparation.heldOut(), preparation.prompts());
        if (leaks.shared() > 0) {
            listener.warned(leaks.shared() + " of " + preparation.heldOut().size() + " held-out prompts ask first what is "
                    + "trained on too, such as " + leaks.examples().get(0)
                    + " (by their words, or by what they were made of), so that what is measured says less than it seems to.");
        }
    }

    private void decideWhatTrains() {
        if (job.adapter() == null) {
            model.trainAll();
        } else {
            model.attach(job.adapter().linearAdapter(), CounterRandom.seed(job.train().seed(), "adapter", 0));
        }
    }

    private Trainer.Outcome train(EncodedSamples data, @Nullable EncodedSamples heldOut, long startStep) {
        listener.stageBegan("train " + data.examples().size() + " samples with " + job.objective().method().name());
        job.objective().notes().forEach(listener::warned);
        Map<String, String> identity = new LinkedHashMap<>();
        identity.put("base", baseHash);
        identity.put("objective", settings(List.of(job.objective())));
        if (!job.batchMethods().isEmpty()) {
            identity.put("select in every step", settings(job.batchMethods()));
        }
        identity.put("adapter", job.adapter() == null ? "none" : settings(List.of(job.adapter())));
        if (job.continueFrom() != null) {
            identity.put("continueFrom", job.continueFrom() + " step " + startStep);
        }
        EpochChoice choice = null;
        if (!job.epochSelectors().isEmpty()) {
            identity.put("select in each pass", settings(job.epochSelectors()) + " of "
                    + Hashes.of(pool.stream().map(sample -> sample.id() + " " + Contents.hash(sample)).toList().toString()));
            choice = new SelectionEachEpoch(policy, pool, job.runFolder());
        }
        TokenLoss loss = knowingItsMask(job.objective().tokenLoss());
        TrainingListener hearing = OwnObjectiveWarning.ownOf(job.objective())
                .<TrainingListener>map(name -> new OwnObjectiveWarning(listener, name)).orElse(listener);
        EngineOptions options = preparation.plan().memory().options();
        // What completes samples for training does not do so for held-out ones.
        TokenLoss heldOutLoss = job.objective().preparesExamples() ? new Sft() : null;
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            LanguageModel teacher = teacher();
            if (teacher != null) {
                opened.add(teacher);
                identity.put("teacher", teacher.parameters().hashOfFrozen());
            }
            ModelGradientEngine engine = new ModelGradientEngine(model, loss, heldOutLoss, teacher, options);
            opened.add(engine);
            GradientEngine passes = job.objective().engine(engine, new PassContext(model, options,
                    new OtherBatches(data.examples(), job.train()), job.train().accumulate(),
                    job.train().learningRate(job.adapter() != null), warmupSteps(data.examples()), job.train().seed()));
            if (passes != engine) {
                opened.add(passes);
            }
            BatchStage stage = BatchStages.of(job.batchMethods(),
                    job.epochSelectors().isEmpty() ? new BatchContext(model, options, data.examples(), job.train(), listener)
                            : new BatchContext(model, options, data.examples(), preparation.limit().tokens(), job.train(),
                                    listener));
            if (stage != null) {
                opened.add(stage);
            }
            TrainingJob training = new TrainingJob(job.train(), job.train().learningRate(job.adapter() != null),
                    job.objective().reduction(), data, heldOut, job.runFolder(), identity, job.recipe(),
                    StepRule.of(loss, job.objective().epochStage(), stage, choice));
            return new Trainer(passes, model.kernels(), training, AtomicFiles.onDisk(), hearing).run();
        } finally {
            closeAll(opened);
        }
    }

    /** With the id of the token that masks what the reference reads, where it reads masked tokens. */
    private TokenLoss knowingItsMask(TokenLoss loss) {
        String named = job.objective().maskOfReference();
        TokenLoss.MaskedInput masked = loss.maskedInput();
        if (named == null || masked == null) {
            return loss;
        }
        int token = MaskToken.of(job.objective().method().name(), named, tokenizer, encoding.stopIds());
        return new DelegatingTokenLoss(loss) {
            @Override
            public MaskedInput maskedInput() {
                return new MaskedInput(masked.share(), token);
            }
        };
    }

    /** The model whose logits are the reference's, where that is another one. */
    private @Nullable LanguageModel teacher() {
        Path folder = job.objective().teacherFolder();
        if (folder == null) {
            return null;
        }
        listener.stageBegan("load the teacher " + folder);
        return LanguageModel.load(folder, job.train().precision(), model.kernels());
    }

    /** Decides what trains and gives it another run's weights; returns the step that these are of. */
    private long beginWithWeightsOf(Path runFolder) {
        decideWhatTrains();
        Checkpoints.Checkpoint start = RunRecord.startingPoint(runFolder, listener);
        Map<String, INDArray> weights = new LinkedHashMap<>();
        model.parameters().trainable().forEach(parameter -> weights.put(parameter.name(), parameter.master()));
        start.readInto(weights, null);
        model.parameters().mastersChanged();
        return start.state().step();
    }

    static String settings(List<? extends Fragment> fragments) {
        return fragments.stream().map(fragment -> fragment.method().name() + fragment.settings()).toList().toString();
    }

    private static List<FineTuned.Comparison> compare(Baseline before, List<MetricResult> after, Trainer.Outcome outcome,
                                                      @Nullable EncodedSamples heldOut) {
        List<FineTuned.Comparison> comparisons = new ArrayList<>();
        for (int i = 0; i < after.size(); i++) {
            String name = after.get(i).name();
            long others = after.subList(0, i).stream().filter(other -> other.name().equals(name)).count();
            comparisons.add(new FineTuned.Comparison(others == 0 ? name : name + " (" + (others + 1) + ")",
                    before.metrics().get(i), after.get(i)));
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

    private static List<FineTuned.Answer> shown(List<Sample> shown, List<String> before, List<String> after) {
        List<FineTuned.Answer> answers = new ArrayList<>();
        for (int i = 0; i < shown.size(); i++) {
            List<Message> turns = shown.get(i).prompt();
            answers.add(new FineTuned.Answer(turns.get(turns.size() - 1).text(), References.of(shown.get(i)),
                    before.get(i), after.get(i)));
        }
        return answers;
    }
}
