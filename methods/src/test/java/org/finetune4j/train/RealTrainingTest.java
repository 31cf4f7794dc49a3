package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.finetune4j.data.Example;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.KlDirection;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;

/** The trainer's laws on the real engine, with a small random Llama model. */
class RealTrainingTest {
    @TempDir
    Path folder;

    private static final class Stop extends Error {
        private static final long serialVersionUID = 1L;
    }

    private static TrainingListener afterEachStep(Consumer<Long> action) {
        return new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                action.accept(event.step());
            }

            @Override
            public void warned(String message) {
                throw new AssertionError(message);
            }
        };
    }

    @ParameterizedTest
    @EnumSource(LlamaJobs.Kind.class)
    void resumedIsUninterruptedBitForBit(LlamaJobs.Kind kind) {
        List<Long> steps = new ArrayList<>();
        float[] uninterrupted = LlamaJobs.train(kind, null, afterEachStep(steps::add));
        assertTrue(steps.size() >= 8, steps.toString());
        for (long last : new long[] {1, 4, 7}) {
            assertThrows(Stop.class, () -> LlamaJobs.train(kind, folder, afterEachStep(step -> {
                if (step == last) {
                    throw new Stop();
                }
            })));
        }
        steps.clear();
        assertArrayEquals(uninterrupted, LlamaJobs.train(kind, folder, afterEachStep(steps::add)));
        assertEquals(7, steps.get(0));
    }

    @Test
    void otherSeedsAndKindsEndElsewhere() {
        assertFalse(Arrays.equals(LlamaJobs.train(LlamaJobs.Kind.FULL, null, TrainingListener.NONE),
                LlamaJobs.train(LlamaJobs.Kind.FULL_ANCHORED_BF16, null, TrainingListener.NONE)));
    }

    private static float[] gradient(LlamaJobs.Kind kind, List<PackedBatch> batches, Precision type) {
        try (LanguageModel model = kind.model(type);
             ModelGradientEngine engine = new ModelGradientEngine(model, kind.objective.tokenLoss())) {
            engine.zeroGradients();
            // Dropout is off, for its masks belong to micro-batches.
            batches.forEach(batch -> engine.accumulateGradient(batch, -1));
            return engine.gradient().toFloatVector();
        }
    }

    @ParameterizedTest
    @EnumSource(Reduction.class)
    void oneBatchOfEightIsMicroBatchesOfOneThreeAndFour(Reduction reduction) {
        List<Example> eight = LlamaJobs.samples(8, 5).examples();
        List<List<Example>> split = List.of(eight.subList(0, 1), eight.subList(1, 4), eight.subList(4, 8));
        for (LlamaJobs.Kind kind : List.of(LlamaJobs.Kind.FULL, LlamaJobs.Kind.ADAPTER_BF16)) {
            float[] whole = gradient(kind, StepBatches.of(List.of(eight), reduction), Precision.F32);
            float[] parts = gradient(kind, StepBatches.of(split, reduction), Precision.F32);
            assertEquals(0, Vectors.distance(whole, parts), 1e-5, kind.toString());
            // The broken variant: each micro-batch has a normaliser of its own.
            List<PackedBatch> own = split.stream().map(part -> StepBatches.of(List.of(part), reduction).get(0)).toList();
            float[] broken = gradient(kind, own, Precision.F32);
            for (int i = 0; i < broken.length; i++) {
                broken[i] /= own.size();
            }
            assertTrue(Vectors.distance(whole, broken) > 1e-2, kind.toString());
        }
    }

    /** Rows behind the last supervised token are not fed to the model; that changes neither loss nor gradient. */
    @Test
    void whatFollowsTheLastSupervisedTokenHasNoEffect() {
        int[] ids = {3, 1, 4, 1, 5, 9, 2, 6};
        boolean[] supervised = {false, false, true, true, false, false, false, false};
        PackedBatch cut = StepBatches.of(List.of(List.of(new Example("cut", ids, supervised))), Reduction.TOKENS).get(0);
        assertEquals(3, cut.tokens());
        PackedBatch whole = new PackedBatch(ids, new int[] {0, 1, 2, 3, 4, 5, 6, 7}, new int[] {0, 8}, cut.supervisedRows(),
                cut.labels(), cut.weights());
        assertEquals(0, Vectors.distance(gradient(LlamaJobs.Kind.FULL, List.of(whole), Precision.F32),
                gradient(LlamaJobs.Kind.FULL, List.of(cut), Precision.F32)), 1e-5);
    }

    /** The estimate of a plan lies near what the engine then takes. */
    @ParameterizedTest
    @CsvSource({"4, 128, 352, 500, 200", "2, 64, 128, 3000, 100", "8, 96, 256, 300, 240"})
    void theMemoryEstimateIsNearWhatTheEngineTakes(int layers, int hidden, int inner, int vocabulary, int length) {
        ModelConfig config = ModelConfig.llama(vocabulary, hidden, inner, layers, 4, 2, hidden / 4, 1e-5, 10000, 256, true,
                null, List.of(), DataType.FLOAT, 0.02);
        int[] ids = new Random(1).ints(length, 0, vocabulary).toArray();
        boolean[] supervised = new boolean[length];
        Arrays.fill(supervised, length / 2, length, true);
        PackedBatch batch = StepBatches.of(List.of(List.of(new Example("a", ids, supervised),
                new Example("b", ids, supervised))), Reduction.TOKENS).get(0);
        for (Objective objective : List.of(new Sft(), new Asft(0.1, KlDirection.FORWARD, 0))) {
            for (boolean adapter : new boolean[] {true, false}) {
                try (LanguageModel model = LanguageModel.random(config, Precision.F32, LlamaJobs.KERNELS, 3)) {
                    if (adapter) {
                        model.attach(new Lora(4), 1);
                    } else {
                        model.trainAll();
                    }
                    try (var engine = new org.finetune4j.model.TrainingEngine(model, objective.tokenLoss())) {
                        engine.zeroGradients();
                        engine.accumulateGradient(batch, 1);
                        MemoryEstimate estimate = new MemoryPlanner(config, TrainSettings.defaults(),
                                adapter ? new Lora(4).linearAdapter() : null, objective.tokenLoss(), null,
                                MemoryPlanner.Beside.NOTHING, LlamaJobs.KERNELS,
                                new MemoryPlanner.Batch(batch.tokens(), batch.supervised(), batch.sequences()),
                                Long.MAX_VALUE).choose().memory();
                        double arrays = estimate.activationBytes() + estimate.headBytes();
                        assertTrue(arrays >= engine.arenaBytes() && arrays <= 1.3 * engine.arenaBytes(), objective + " "
                                + adapter + " estimate " + estimate + " taken " + engine.arenaBytes());
                        assertEquals(model.parameters().bytes(), estimate.parameterBytes());
                        assertEquals(0, estimate.recomputedBlocks());
                    }
                }
            }
        }
    }
}
