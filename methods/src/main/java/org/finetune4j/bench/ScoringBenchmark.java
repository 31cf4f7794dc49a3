package org.finetune4j.bench;

import java.util.Arrays;
import java.util.Locale;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Profile;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.finetune4j.model.StepOperations;
import org.finetune4j.model.TrainingEngine;
import org.jspecify.annotations.Nullable;

/**
 * Times forward passes that give the log-probability of every supervised token, as evaluation and GRAPE score responses,
 * for a model of a published shape with random weights.
 *
 * @param shape      the model
 * @param batch      sequences in a pass
 * @param sequence   tokens of each
 * @param supervised share of positions that are scored: the last ones of every sequence, in (0, 1]
 * @param steps      timed passes, after some that are not timed
 * @param precision  type of activations and weights
 */
public record ScoringBenchmark(Shape shape, int batch, int sequence, double supervised, int steps, Precision precision) {
    /** Java compiles its loops for the processor in this time, a small part of the scoring of a data set. */
    private static final double WARM_UP_SECONDS = 4;

    /** Refuses values out of range. */
    public ScoringBenchmark {
        if (batch < 1 || sequence < 2 || steps < 1 || !(supervised > 0 && supervised <= 1)) {
            throw new FinetuneException("a benchmark of scoring needs batch >= 1, seq >= 2, steps >= 1 and supervised in "
                    + "(0, 1], got " + batch + ", " + sequence + ", " + steps + " and " + supervised + ".");
        }
    }

    /**
     * What was measured.
     *
     * @param loss      mean over scored tokens
     * @param seconds   median over passes
     * @param peakBytes most memory that the process has held
     */
    public record Result(double loss, double seconds, long peakBytes) {
    }

    /**
     * A benchmark by names.
     *
     * @param shape name of a {@link Shape}
     * @param dtype {@code f32} or {@code bf16}
     * @throws FinetuneException when a name is not known or a number is out of range
     */
    public static ScoringBenchmark named(String shape, int batch, int sequence, double supervised, int steps, String dtype) {
        return new ScoringBenchmark(Shape.named(shape), batch, sequence, supervised, steps, StepBenchmark.precision(dtype));
    }

    /**
     * Runs on the {@code onednn} kernels.
     *
     * @param profile what to add the time of every operation to, or null
     */
    public Result run(@Nullable Profile profile) {
        try (Kernels kernels = new OneDnnKernels();
             LanguageModel model = LanguageModel.random(shape.config(), precision, kernels, 1);
             TrainingEngine engine = new TrainingEngine(model, new Sft(), false)) {
            double[] seconds = new double[steps];
            double loss = 0;
            long begin = System.nanoTime();
            while ((System.nanoTime() - begin) / 1e9 < WARM_UP_SECONDS) {
                engine.evaluate(tokens(steps));
            }
            engine.profile(profile);
            for (int step = 0; step < steps; step++) {
                PackedBatch tokens = tokens(step);
                long start = System.nanoTime();
                loss = engine.evaluate(tokens).loss();
                seconds[step] = (System.nanoTime() - start) / 1e9;
            }
            Arrays.sort(seconds);
            return new Result(loss, seconds[steps / 2], StepBenchmark.peakBytes());
        }
    }

    private PackedBatch tokens(int seed) {
        return StepBenchmark.tokens(shape, batch, sequence, supervised, seed);
    }

    /** Operations of one pass. */
    public double operations() {
        return StepOperations.scoring(shape.config(), tokens(0)).total();
    }

    /** What was measured, and its share of the limit of products. */
    public String line(Result result, MachineLimits limits) {
        return String.format(Locale.ROOT, "score shape=%s dtype=%s batch=%d seq=%d supervised=%s loss=%.3f step_s=%.4f "
                + "tokens_per_s=%.1f gflop_per_s=%.1f limit_gflop_per_s=%.1f share=%.3f peak_mib=%d", shape.name(),
                precision.name().toLowerCase(Locale.ROOT), batch, sequence, supervised, result.loss(), result.seconds(),
                (double) batch * sequence / result.seconds(), operations() / result.seconds() / 1e9,
                limits.products().perSecond() / 1e9, limits.productShare(operations(), result.seconds()),
                result.peakBytes() >> 20);
    }
}
