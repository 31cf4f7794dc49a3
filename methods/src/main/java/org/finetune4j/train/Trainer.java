package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.DataPosition;
import org.finetune4j.data.Example;
import org.finetune4j.data.Packer;
import org.finetune4j.head.TokenValues;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.finetune4j.optimizer.LearningRateSchedule;
import org.finetune4j.train.ReplayFile.MicroBatch;
import org.finetune4j.train.TrainingListener.EvaluationEvent;
import org.finetune4j.train.TrainingListener.StepEvent;
import org.jspecify.annotations.Nullable;

/**
 * The training loop: micro-batches, clipping, AdamW, schedule, held-out loss, checkpoints and guards. What it does at a
 * step depends only on the job, the step and the weights, so that a run that is continued ends with the same bits.
 */
public final class Trainer {
    private static final int NAMED = 8;
    private static final int TOLD_EMPTY_STEPS = 10;

    private final GradientEngine engine;
    private final Kernels kernels;
    private final TrainingJob job;
    private final TrainSettings settings;
    private final AtomicFiles files;
    private final TrainingListener listener;
    private final Guards guards;

    private Packer packer;
    private int packedEpoch;
    private long totalSteps;
    private LearningRateSchedule rates;

    private DataPosition position = DataPosition.START;
    private long step;
    private long nanos;
    private long timedSteps;
    private int emptySteps;

    /**
     * A trainer.
     *
     * @param files writes the checkpoints
     * @throws FinetuneException when settings are out of range or there is no data; the message tells all problems
     */
    public Trainer(GradientEngine engine, Kernels kernels, TrainingJob job, AtomicFiles files,
                   TrainingListener listener) {
        this.engine = engine;
        this.kernels = kernels;
        this.job = job;
        this.settings = job.settings();
        this.files = files;
        this.listener = listener;
        if (!settings.problems().isEmpty()) {
            throw new FinetuneException(String.join("\n", settings.problems()));
        }
        packer = new Packer(job.data().examples(), job.rule().epochs(), settings.tokensPerBatch(),
                settings.accumulate(), settings.seed());
        totalSteps = settings.maxSteps() > 0 ? settings.maxSteps() : packer.steps(settings.epochs());
        rates = rates(settings, job.learningRate(), totalSteps);
        // No pass yet where each has a choice of its own.
        packedEpoch = job.rule().choice() == null ? 0 : -1;
        guards = new Guards(engine);
    }

    private static LearningRateSchedule rates(TrainSettings settings, double highest, long totalSteps) {
        long warmup = settings.warmupSteps(totalSteps);
        return switch (settings.schedule()) {
            case COSINE -> LearningRateSchedule.cosine(highest, warmup, totalSteps, 0, settings.cycles());
            case LINEAR -> LearningRateSchedule.linear(highest, warmup, totalSteps, 0);
            case CONSTANT -> LearningRateSchedule.constant(highest, warmup);
        };
    }

    /**
     * What a run came to.
     *
     * @param lastStep    the last optimiser step
     * @param evaluations held-out losses in order, the first before the training; empty without held-out samples
     */
    public record Outcome(StepEvent lastStep, List<EvaluationEvent> evaluations) {
        /** Keeps an immutable copy. */
        public Outcome {
            evaluations = List.copyOf(evaluations);
        }
    }

    /**
     * Trains to the end, from the latest checkpoint of this job if there is one.
     *
     * @throws FinetuneException when a guard stops the run, or the checkpoints there are of another job
     */
    public Outcome run() {
        try (AdamW optimizer = new AdamW(engine, kernels, settings)) {
            RunRecord record = new RunRecord(job, engine, optimizer,
                    Map.of("kernels", kernels.name(), "frozen", guards.frozenHash()), files, listener);
            CheckpointState state = record.restore();
            step = state.step();
            position = state.position();
            guards.rememberWeights();
            choose();
            if (step == 0) {
                evaluate(record);
            }
            boolean first = true;
            while (step < totalSteps) {
                StepEvent event = makeStep(optimizer, record);
                if (first && event.learningRate() > 0) {
                    guards.requireChanged(step, event.learningRate(), event.gradientNorm());
                }
                if (first || step == totalSteps) {
                    guards.requireFrozen(step);
                }
                first = false;
                record.log().step(event);
                listener.stepMade(event);
                if (due(settings.evaluateEvery())) {
                    evaluate(record);
                }
                if (settings.checkpointEvery() > 0 && due(settings.checkpointEvery())) {
                    record.save(step, position);
                }
                stopWhenInterrupted(record);
                choose();
            }
            return record.log().outcome();
        }
    }

    /**
     * Where every pass has a choice of its own, makes it when a pass begins. How many steps the run has is known no sooner,
     * and until then what is left of it is taken to be as long as this pass.
     */
    private void choose() {
        EpochChoice choice = job.rule().choice();
        boolean over = settings.maxSteps() > 0 ? step >= settings.maxSteps() : position.epoch() >= settings.epochs();
        if (choice == null || packedEpoch == position.epoch() || over) {
            return;
        }
        packedEpoch = position.epoch();
        packer = new Packer(choice.examples(packedEpoch), settings.tokensPerBatch(), settings.accumulate(), settings.seed());
        if (settings.maxSteps() == 0) {
            totalSteps = step + packer.steps(position, settings.epochs());
            rates = rates(settings, job.learningRate(), totalSteps);
        }
    }

    private boolean due(long every) {
        return step == totalSteps || every > 0 && step % every == 0;
    }

    private StepEvent makeStep(AdamW optimizer, RunRecord record) {
        long began = System.nanoTime();
        Packer.Step data = packer.step(position);
        long number = step + 1;
        engine.beginStep(step);
        List<List<Example>> samples = kept(data.batches(), number);
        List<PackedBatch> batches = StepBatches.of(samples, job.reduction(), keySeed(number));
        long dropout = CounterRandom.seed(settings.seed(), "dropout", number);
        List<MicroBatch> done = new ArrayList<>(batches.size());
        Means means = new Means(job.rule().divisor());
        engine.zeroGradients();
        for (int i = 0; i < batches.size(); i++) {
            MicroBatch micro = new MicroBatch(samples.get(i).stream().map(Example::id).toList(), batches.get(i),
                    // A negative seed stands for no dropout.
                    CounterRandom.seed(dropout, "micro-batch", i) & Long.MAX_VALUE);
            TokenValues values = engine.accumulateGradient(micro.batch(), micro.dropoutSeed());
            if (!Double.isFinite(values.loss())) {
                throw notFinite(number, "the loss is " + values.loss(), List.of(micro), record, true);
            }
            means.add(values, micro.batch());
            done.add(micro);
        }
        double factor = batches.isEmpty() ? 0 : means.gradientFactor();
        double norm = factor * Math.sqrt(kernels.squaredNorm(engine.gradient()));
        if (!Double.isFinite(norm)) {
            throw notFinite(number, "the norm of the gradient is " + norm, done, record, true);
        }
        if (number == 1 && factor != 0) {
            warnOfFirstLoss(means);
        }
        double rate = factor == 0 ? 0 : rates.rate(number);
        if (factor != 0) {
            optimizer.update(rate, factor * (norm > settings.clip() ? settings.clip() / norm : 1));
            if (!kernels.isFinite(engine.weights())) {
                throw notFinite(number, "a trained parameter is not finite after the update", done, record, false);
            }
            engine.weightsChanged();
        }
        countEmpty(factor == 0, number);
        step = number;
        position = data.next();
        return event(means, norm, rate, batches.stream().mapToLong(PackedBatch::tokens).sum(), began);
    }

    /** The samples that are learned of a step's, without micro-batches of which nothing is left. */
    private List<List<Example>> kept(List<List<Example>> batches, long number) {
        BatchStage stage = job.rule().stage();
        return stage == null ? batches
                : stage.prepare(batches, number).stream().filter(batch -> !batch.isEmpty()).toList();
    }

    private @Nullable Long keySeed(long number) {
        return job.rule().keys() ? CounterRandom.seed(settings.seed(), "keys", number) : null;
    }

    private void countEmpty(boolean empty, long number) {
        emptySteps = empty ? emptySteps + 1 : 0;
        if (emptySteps == TOLD_EMPTY_STEPS) {
            listener.warned("nothing was learned in the " + TOLD_EMPTY_STEPS + " steps up to step " + number
                    + ": no token is left to learn from. Loosen what chooses samples or tokens.");
        }
    }

    private StepEvent event(Means means, double norm, double rate, long tokens, long began) {
        long now = System.nanoTime();
        nanos += now - began;
        timedSteps++;
        Map<String, Double> values = means.values();
        if (job.rule().stage() != null) {
            values.putAll(job.rule().stage().values());
        }
        return new StepEvent(step, totalSteps, means.tokens() == 0 ? 0 : means.loss(), values, norm, rate, tokens, means.tokens(),
                tokens * 1e9 / Math.max(1, now - began), nanos * 1e-9 / timedSteps * (totalSteps - step));
    }

    private void warnOfFirstLoss(Means means) {
        String warning = guards.firstLossWarning(means.values().getOrDefault("nll", means.loss()));
        if (warning != null) {
            listener.warned(warning);
        }
    }

    private void evaluate(RunRecord record) {
        if (job.heldOut() == null) {
            return;
        }
        Means means = new Means(job.rule().divisor());
        Packer order = new Packer(job.heldOut().examples(), settings.tokensPerBatch(), 1, 0);
        for (DataPosition at = DataPosition.START; at.epoch() == 0;) {
            Packer.Step data = order.step(at);
            // The same keys every time, so that held-out losses of a run can be compared.
            for (PackedBatch batch : StepBatches.of(data.batches(), job.reduction(), keySeed(0))) {
                TokenValues values = engine.evaluate(batch);
                if (!Double.isFinite(values.loss())) {
                    throw heldOutNotFinite(values.loss(), new MicroBatch(data.batches().get(0).stream().map(Example::id)
                            .toList(), batch, 0), record);
                }
                means.add(values, batch);
            }
            at = data.next();
        }
        EvaluationEvent event = new EvaluationEvent(step, means.loss(), means.values(), means.tokens());
        record.log().evaluation(event);
        listener.evaluated(event);
    }

    private FinetuneException notFinite(long number, String found, List<MicroBatch> batches, RunRecord record,
                                        boolean weightsAreGood) {
        Set<String> samples = new LinkedHashSet<>();
        batches.forEach(micro -> samples.addAll(micro.samples()));
        boolean save = weightsAreGood && settings.checkpointEvery() > 0 && step > 0;
        return stopped("step " + number + " was stopped: " + found + ". Its samples are " + some(List.copyOf(samples))
                + ".", " Look at these samples; if they are fine, lower train.learningRate (" + job.learningRate()
                + (settings.precision() == Precision.F32 ? ")." : ") or use precision f32."), folder -> ReplayFile.write(files, folder, "step-" + number, number, found,
                batches), () -> save ? record.save(step, position) : record.lastSaved());
    }

    private FinetuneException heldOutNotFinite(double loss, MicroBatch batch, RunRecord record) {
        String found = "the held-out loss is " + loss;
        return stopped("after step " + step + " " + found + ". Its samples are " + some(batch.samples()) + ".",
                " Look at these samples, and check that the base model's weights are whole.",
                folder -> ReplayFile.write(files, folder, "held-out-" + step, step, found, List.of(batch)),
                record::lastSaved);
    }

    /** What stops the run is told even when the disk does not take what should be kept of it. */
    private FinetuneException stopped(String found, String advice, Function<Path, Path> replay,
                                      Supplier<@Nullable Path> lastGood) {
        StringBuilder message = new StringBuilder(found);
        List<FinetuneException> failures = new ArrayList<>();
        if (job.runFolder() != null) {
            try {
                Path file = replay.apply(job.runFolder());
                message.append(" The batch is kept in ").append(file).append('.');
            } catch (FinetuneException e) {
                message.append(" The batch could not be kept: ").append(e.getMessage());
                failures.add(e);
            }
            try {
                Path checkpoint = lastGood.get();
                message.append(checkpoint == null ? "" : " The last good checkpoint is " + checkpoint + ".");
            } catch (FinetuneException e) {
                message.append(" The weights could not be kept: ").append(e.getMessage());
                failures.add(e);
            }
        }
        FinetuneException stop = new FinetuneException(message + advice);
        failures.forEach(stop::addSuppressed);
        return stop;
    }

    private void stopWhenInterrupted(RunRecord record) {
        // Both are asked, for the thread's mark must be cleared.
        if ((Thread.interrupted() | listener.stopRequested()) && step < totalSteps) {
            @Nullable Path checkpoint = record.save(step, position);
            throw new InterruptedRunException("the run was interrupted after step " + step + " of " + totalSteps + ". "
                    + (checkpoint == null ? "Nothing of it is kept, for it has no run folder."
                    : "Run it again to continue from " + checkpoint + "."));
        }
    }

    private static String some(List<String> names) {
        return String.join(", ", names.subList(0, Math.min(NAMED, names.size())))
                + (names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : "");
    }
}
