package org.finetune4j.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Profile;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Parameters;
import org.finetune4j.model.Precision;
import org.finetune4j.model.StepOperations;
import org.finetune4j.model.TrainingEngine;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Times whole optimiser steps (forward, backward, clipping, AdamW) of a model of a published shape with random weights.
 *
 * @param shape      the model
 * @param batch      sequences per step
 * @param sequence   tokens per sequence
 * @param precision  type of activations and weights
 * @param rank       LoRA rank on all linear layers, or 0 for full fine-tuning
 * @param supervised share of positions that carry a label: the last ones of every sequence, in (0, 1]
 * @param steps      timed steps, after one that is not timed
 * @param options    how the engine computes
 * @param frozen     how frozen linear layers are kept; INT8 with LoRA only
 */
public record StepBenchmark(Shape shape, int batch, int sequence, Precision precision, int rank, double supervised,
                            int steps, EngineOptions options, FrozenWeights frozen) {
    private static final double LEARNING_RATE = 1e-4;

    /** Refuses values out of range. */
    public StepBenchmark {
        if (batch < 1 || sequence < 2 || rank < 0 || steps < 1 || !(supervised > 0 && supervised <= 1)) {
            throw new FinetuneException("a benchmark needs batch >= 1, seq >= 2, lora >= 0, steps >= 1 and supervised in "
                    + "(0, 1], got " + batch + ", " + sequence + ", " + rank + ", " + steps + " and " + supervised + ".");
        }
    }

    /**
     * What was measured.
     *
     * @param parameters   number of elements of all parameters
     * @param loss         of the last step, mean over supervised tokens
     * @param stepSeconds  median over steps
     * @param peakBytes    most memory that the process has held
     * @param operations   what a step must do
     * @param profile      time by operation over all timed steps, where asked for
     */
    public record Result(long parameters, double loss, double stepSeconds, long peakBytes, StepOperations operations,
                         @Nullable Profile profile) {
    }

    /**
     * A benchmark of plain supervised fine-tuning on the {@code onednn} kernels, by names.
     *
     * @param shape name of a {@link Shape}
     * @param dtype {@code f32} or {@code bf16}
     * @throws FinetuneException when a name is not known or a number is out of range
     */
    public static StepBenchmark named(String shape, int batch, int sequence, String dtype, int rank, double supervised,
                                      int steps, EngineOptions options, FrozenWeights frozen) {
        return new StepBenchmark(Shape.named(shape), batch, sequence, precision(dtype), rank, supervised, steps,
                options, frozen);
    }

    /** The precision of a name on the command line. */
    static Precision precision(String dtype) {
        return switch (dtype) {
            case "f32" -> Precision.F32;
            case "bf16" -> Precision.BF16;
            default -> throw new FinetuneException("there is no dtype '" + dtype + "'. Choose f32 or bf16.");
        };
    }

    /**
     * Runs plain supervised fine-tuning on the {@code onednn} kernels.
     *
     * @param profile what to add the time of every operation to, or null
     * @throws FinetuneException when this machine's kernels do not have the precision, or the rank is too large
     */
    public Result run(@Nullable Profile profile) {
        try (Kernels kernels = new OneDnnKernels()) {
            return run(kernels, new Sft(), profile);
        }
    }

    /** Runs on these kernels. */
    public Result run(Kernels kernels, Objective objective, @Nullable Profile profile) {
        try (LanguageModel model = LanguageModel.random(shape.config(), precision, frozen, kernels, 1)) {
            if (rank == 0) {
                model.trainAll();
            } else {
                model.attach(new Lora(rank, 2.0 * rank, 0, Lora.ALL_LINEAR), 1);
            }
            try (TrainingEngine engine = new TrainingEngine(model, objective.tokenLoss(), true, options)) {
                return measure(model, engine, profile);
            }
        }
    }

    private Result measure(LanguageModel model, TrainingEngine engine, @Nullable Profile profile) {
        Parameters parameters = model.parameters();
        INDArray firstMoment = Nd4j.zeros(parameters.flat().dataType(), parameters.flat().length());
        INDArray secondMoment = Nd4j.zeros(parameters.flat().dataType(), parameters.flat().length());
        double[] seconds = new double[steps];
        double loss = 0;
        long whole = 0;
        for (int step = 0; step <= steps; step++) {
            PackedBatch tokens = tokens(step);
            if (step == 1) {
                engine.profile(profile);
            }
            long start = System.nanoTime();
            engine.zeroGradients();
            loss = engine.accumulateGradient(tokens, -1).loss();
            long backward = System.nanoTime();
            double norm = Math.sqrt(model.kernels().squaredNorm(parameters.flatGradient()));
            model.kernels().adamW(parameters.flat(), parameters.flatGradient(), firstMoment, secondMoment,
                    new AdamWStep(LEARNING_RATE, 0.9, 0.999, 1e-8, 0.01, step + 1, Math.min(1, 1 / norm)));
            parameters.mastersChanged();
            long end = System.nanoTime();
            if (step > 0) {
                seconds[step - 1] = (end - start) / 1e9;
                whole += end - start;
                if (profile != null) {
                    profile.add(new Profile.Call("clipping and AdamW", "", end - backward, 0, optimizerBytes(parameters)));
                }
            }
        }
        if (profile != null) {
            profile.add(new Profile.Call("between operations", "", whole - profile.nanoseconds(), 0, 0));
        }
        Arrays.sort(seconds);
        firstMoment.close();
        secondMoment.close();
        return new Result(parameters.totalCount(), loss, seconds[steps / 2], peakBytes(), operations(), profile);
    }

    /** The norm reads the gradient; the update reads four arrays and writes three; then come copies in the graph's type. */
    private double optimizerBytes(Parameters parameters) {
        int width = precision.masterType().width();
        int copies = precision.type() == precision.masterType() ? 0 : width + precision.type().width();
        return (double) parameters.trainableCount() * (width * (1 + 4 + 3) + copies);
    }

    /** What one step must do. */
    public StepOperations operations() {
        PackedBatch tokens = tokens(0);
        return rank == 0 ? StepOperations.full(shape.config(), tokens)
                : StepOperations.lowRank(shape.config(), tokens, rank, Set.copyOf(Lora.ALL_LINEAR));
    }

    private PackedBatch tokens(int step) {
        return tokens(shape, batch, sequence, supervised, step);
    }

    /** Random sequences of which the last positions are supervised. */
    static PackedBatch tokens(Shape shape, int batch, int sequence, double supervised, int step) {
        SplittableRandom random = new SplittableRandom(step);
        int[] ids = random.ints((long) batch * sequence, 0, shape.config().vocabularySize()).toArray();
        int[] positions = new int[ids.length];
        int[] offsets = new int[batch + 1];
        int first = Math.max(1, (int) (sequence * (1 - supervised)));
        int perSequence = sequence - first;
        int[] rows = new int[batch * perSequence];
        int[] labels = new int[rows.length];
        for (int b = 0; b < batch; b++) {
            offsets[b + 1] = (b + 1) * sequence;
            for (int p = 0; p < sequence; p++) {
                positions[b * sequence + p] = p;
                if (p >= first) {
                    rows[b * perSequence + p - first] = b * sequence + p - 1;
                    labels[b * perSequence + p - first] = ids[b * sequence + p];
                }
            }
        }
        float[] weights = new float[rows.length];
        Arrays.fill(weights, 1f / rows.length);
        return new PackedBatch(ids, positions, offsets, rows, labels, weights);
    }

    /** The most memory that this process has held, in bytes, as Linux counts it; 0 where that is not to be had. */
    static long peakBytes() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).findFirst().orElse(0);
        } catch (IOException unavailable) {
            return 0;
        }
    }

    /** One line in the form of the PyTorch program that speed is compared with. */
    public String line(Result result) {
        return String.format(Locale.ROOT, "shape=%s params=%.1fM batch=%d seq=%d lora=%d dtype=%s supervised=%s threads=%d "
                + "loss=%.3f step_s=%.3f tokens_per_s=%.1f peak_mib=%d", shape.name(), result.parameters() / 1e6, batch,
                sequence, rank, precision.name().toLowerCase(Locale.ROOT), supervised,
                Runtime.getRuntime().availableProcessors(), result.loss(), result.stepSeconds(),
                (double) batch * sequence / result.stepSeconds(), result.peakBytes() >> 20);
    }

    /** A line in the same form with the step's operations, their rate, and the share of the limit that this is. */
    public String limitLine(Result result, MachineLimits limits) {
        double operations = result.operations().total();
        return String.format(Locale.ROOT, "gflop_per_step=%.1f gflop_per_s=%.1f limit_gflop_per_s=%.1f share=%.3f",
                operations / 1e9, operations / result.stepSeconds() / 1e9, limits.products().perSecond() / 1e9,
                limits.productShare(operations, result.stepSeconds()));
    }
}
