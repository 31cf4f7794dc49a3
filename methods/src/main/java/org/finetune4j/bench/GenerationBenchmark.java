package org.finetune4j.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Profile;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.finetune4j.model.StepOperations;
import org.jspecify.annotations.Nullable;

/**
 * Times reading prompts and adding tokens to them, for a model of a published shape with random weights.
 *
 * @param shape     the model
 * @param batch     texts side by side
 * @param prompt    tokens of each prompt
 * @param fresh     tokens added to each, one a pass
 * @param precision type of activations and weights
 */
public record GenerationBenchmark(Shape shape, int batch, int prompt, int fresh, Precision precision) {
    /** Most prompt tokens read in one pass, as when texts are generated. */
    private static final int TOKENS_PER_PASS = 2048;
    private static final int RUNS = 3;
    /** Readings of the prompts in a run. */
    private static final int READINGS = 9;
    /** Java compiles its loops for the processor in this time, as in a program that has answered a few prompts. */
    private static final double WARM_UP_SECONDS = 3;

    /** Refuses values out of range. */
    public GenerationBenchmark {
        if (batch < 1 || batch > TOKENS_PER_PASS || prompt < 1 || fresh < 1
                || (long) prompt + fresh > shape.config().maxPositions()) {
            throw new FinetuneException("a benchmark of generation needs batch in [1, " + TOKENS_PER_PASS
                    + "], prompt >= 1, new >= 1 and prompt + new within the context of " + shape.config().maxPositions()
                    + " tokens, got " + batch + ", " + prompt + " and " + fresh + ".");
        }
    }

    /**
     * What was measured.
     *
     * @param prefillSeconds best of {@value #RUNS} medians, each over {@value #READINGS} readings of all prompts
     * @param decodeSeconds  best of {@value #RUNS} medians, each over the passes of a run that add a token to each text
     * @param peakBytes      most memory that the process has held
     */
    public record Result(double prefillSeconds, double decodeSeconds, long peakBytes) {
    }

    /**
     * A benchmark by names.
     *
     * @param shape name of a {@link Shape}
     * @param dtype {@code f32} or {@code bf16}
     * @throws FinetuneException when a name is not known or a number is out of range
     */
    public static GenerationBenchmark named(String shape, int batch, int prompt, int fresh, String dtype) {
        return new GenerationBenchmark(Shape.named(shape), batch, prompt, fresh, StepBenchmark.precision(dtype));
    }

    /**
     * Runs on the {@code onednn} kernels.
     *
     * @param profile what to add the time of every operation of the last run to, or null
     */
    public Result run(@Nullable Profile profile) {
        try (Kernels kernels = new OneDnnKernels();
             LanguageModel model = LanguageModel.random(shape.config(), precision, kernels, 1);
             DecodingEngine engine = new DecodingEngine(model, true); HeldWeights held = engine.holdWeights()) {
            double prefill = Double.MAX_VALUE;
            double decode = Double.MAX_VALUE;
            long start = System.nanoTime();
            for (int seed = 0; (System.nanoTime() - start) / 1e9 < WARM_UP_SECONDS; seed++) {
                prefill(engine, new SplittableRandom(seed));
            }
            for (int run = 0; run < RUNS; run++) {
                engine.profile(run == RUNS - 1 ? profile : null);
                double[] readings = new double[READINGS];
                for (int reading = 0; reading < READINGS; reading++) {
                    readings[reading] = prefill(engine, new SplittableRandom(reading));
                }
                Arrays.sort(readings);
                prefill = Math.min(prefill, readings[READINGS / 2]);
                decode = Math.min(decode, decode(engine, new SplittableRandom(run)));
            }
            return new Result(prefill, decode, StepBenchmark.peakBytes());
        }
    }

    private double prefill(DecodingEngine engine, SplittableRandom random) {
        int[][] prompts = new int[batch][];
        for (int b = 0; b < batch; b++) {
            prompts[b] = random.ints(prompt, 0, shape.config().vocabularySize()).toArray();
        }
        engine.begin(batch, prompt + fresh);
        long start = System.nanoTime();
        List<Feed> pass = new ArrayList<>();
        int tokens = 0;
        for (int b = 0; b < batch; b++) {
            for (int from = 0; from < prompt;) {
                int to = Math.min(prompt, from + TOKENS_PER_PASS - tokens);
                pass.add(new Feed(b, prompts[b], from, to));
                tokens += to - from;
                from = to;
                if (tokens == TOKENS_PER_PASS) {
                    engine.feed(pass);
                    pass.clear();
                    tokens = 0;
                }
            }
        }
        if (tokens > 0) {
            engine.feed(pass);
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private double decode(DecodingEngine engine, SplittableRandom random) {
        double[] seconds = new double[fresh];
        for (int i = 0; i < fresh; i++) {
            List<Feed> feeds = new ArrayList<>();
            for (int b = 0; b < batch; b++) {
                feeds.add(new Feed(b, new int[] {random.nextInt(shape.config().vocabularySize())}));
            }
            long start = System.nanoTime();
            engine.feed(feeds);
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        Arrays.sort(seconds);
        return seconds[fresh / 2];
    }

    /** Operations of reading all prompts, with the head for the last token of each. */
    public double prefillOperations() {
        int[] offsets = new int[batch + 1];
        int[] last = new int[batch];
        int[] positions = new int[batch * prompt];
        for (int b = 0; b < batch; b++) {
            offsets[b + 1] = (b + 1) * prompt;
            last[b] = offsets[b + 1] - 1;
        }
        return StepOperations.scoring(shape.config(), new PackedBatch(new int[positions.length], positions, offsets, last,
                new int[batch], new float[batch])).total();
    }

    /** Bytes of all weights that adding a token reads, each once: all but an embedding that is not the head. */
    public double weightBytes() {
        var config = shape.config();
        double query = (double) config.heads() * config.headDimension();
        double keyValue = (double) config.keyValueHeads() * config.headDimension();
        double layer = config.hiddenSize() * (2 * query + 2 * keyValue + 3.0 * config.intermediateSize() + 2);
        return precision.type().width()
                * (config.layers() * layer + config.hiddenSize() * (1.0 + config.vocabularySize()));
    }

    /** What was measured, and its shares of the limits: of products for prompts, of memory for new tokens. */
    public String line(Result result, MachineLimits limits) {
        double prompts = (double) batch * prompt / result.prefillSeconds();
        double limit = limits.copying().perSecond() / weightBytes();
        return String.format(Locale.ROOT, "generate shape=%s dtype=%s batch=%d prompt=%d new=%d prefill_tokens_per_s=%.1f "
                + "prefill_gflop_per_s=%.1f limit_gflop_per_s=%.1f prefill_share=%.3f decode_tokens_per_s=%.1f "
                + "decode_ms=%.2f weights_gb_per_s=%.1f limit_gb_per_s=%.1f decode_share=%.3f peak_mib=%d",
                shape.name(), precision.name().toLowerCase(Locale.ROOT), batch, prompt, fresh, prompts,
                prefillOperations() / result.prefillSeconds() / 1e9, limits.products().perSecond() / 1e9,
                limits.productShare(prefillOperations(), result.prefillSeconds()), batch / result.decodeSeconds(),
                result.decodeSeconds() * 1e3, weightBytes() / result.decodeSeconds() / 1e9,
                limits.copying().perSecond() / 1e9, 1 / (result.decodeSeconds() * limit), result.peakBytes() >> 20);
    }
}
