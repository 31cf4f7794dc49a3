package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;

/** What must hold for the engine on every device and in every precision; each law beside a variant that breaks it. */
abstract class EngineLaws {
    private static final int VOCABULARY = 37;
    private static final TokenLoss LOG_LOSS = new TokenLoss() {
        @Override
        public boolean needsReference() {
            return false;
        }

        @Override
        public Expression build(TokenView view) {
            return Expression.of(view.logProbability().neg());
        }
    };

    private final Precision precision;
    private final double tolerance;
    private Kernels kernels;

    /** The device's kernels, in this precision, agreeing within this error relative to the largest gradient. */
    EngineLaws(Precision precision, double tolerance) {
        this.precision = precision;
        this.tolerance = tolerance;
    }

    abstract Kernels makeKernels();

    @BeforeEach
    void open() {
        kernels = makeKernels();
    }

    @AfterEach
    void close() {
        kernels.close();
    }

    @Test
    void packedSequencesGiveWhatTheyGiveAlone() {
        PackedBatch packed = TestModels.batch(VOCABULARY, 21, 9, 1, 14, 2);
        double[] together = gradient(full(), List.of(packed));
        assertClose(gradient(full(), split(packed, 1, 1, 1, 1)), together);
        PackedBatch leaking = new PackedBatch(packed.ids(), packed.positions(), new int[] {0, packed.tokens()},
                packed.supervisedRows(), packed.labels(), packed.weights());
        assertThrows(AssertionError.class, () -> assertClose(together, gradient(full(), List.of(leaking))),
                "attention across sequences went unnoticed");
    }

    @Test
    void microBatchesAddUpToTheWholeBatch() {
        PackedBatch whole = TestModels.batch(VOCABULARY, 22, 5, 9, 4, 12, 3, 7, 6, 11);
        double[] together = gradient(full(), List.of(whole));
        assertClose(together, gradient(full(), split(whole, 1, 3, 4)));
        List<PackedBatch> means = new ArrayList<>();
        for (PackedBatch part : split(whole, 1, 3, 4)) {
            float[] weights = part.weights().clone();
            for (int i = 0; i < weights.length; i++) {
                weights[i] *= (float) whole.supervised() / (3 * part.supervised());
            }
            means.add(new PackedBatch(part.ids(), part.positions(), part.offsets(), part.supervisedRows(),
                    part.labels(), weights));
        }
        assertThrows(AssertionError.class, () -> assertClose(together, gradient(full(), means)),
                "a mean of micro-batch means went unnoticed");
    }

    @Test
    void chunksOfTheHeadDoNotShow() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 23, 30, 41, 25);
        assertClose(gradient(full(), List.of(batch), 1024), gradient(full(), List.of(batch), 16));
    }

    @Test
    void paddingRowsOfAChunkDoNotSpoilTheGradient() {
        TokenLoss singularAtEqualLogits = new TokenLoss() {
            @Override
            public boolean needsReference() {
                return false;
            }

            @Override
            public Expression build(TokenView view) {
                SDVariable excess = view.logSumExp().sub(Math.log(VOCABULARY));
                return Expression.of(view.graph().math().sqrt(view.graph().math().abs(excess)));
            }
        };
        try (LanguageModel model = full(); TrainingEngine engine = new TrainingEngine(model, singularAtEqualLogits)) {
            engine.accumulateGradient(TestModels.batch(VOCABULARY, 28, 9, 12), -1);
            for (double gradient : model.parameters().flatGradient().toDoubleVector()) {
                assertTrue(Double.isFinite(gradient));
            }
        }
    }

    @Test
    void anAdapterSwitchedOffIsTheBase() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 24, 9, 12);
        try (LanguageModel base = model(); LanguageModel adapted = model()) {
            adapted.attach(new ModelGradientTest.TestAdapter(), 3);
            try (TrainingEngine plain = new TrainingEngine(base, LOG_LOSS);
                    TrainingEngine off = new TrainingEngine(adapted, LOG_LOSS, false);
                    TrainingEngine on = new TrainingEngine(adapted, LOG_LOSS)) {
                assertArrayEquals(plain.evaluate(batch).values().get("loss"), off.evaluate(batch).values().get("loss"));
                assertTrue(Math.abs(plain.evaluate(batch).loss() - on.evaluate(batch).loss()) > 1e-3,
                        "the adapter changes nothing");
            }
        }
    }

    @Test
    void aReferenceThatIsThePolicyHasNoDivergenceAndNoPull() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 25, 9, 12);
        TokenLoss divergence = new TokenLoss() {
            @Override
            public boolean needsReference() {
                return true;
            }

            @Override
            public Expression build(TokenView view) {
                return Expression.of(view.klDivergence(view.referenceLogits(), view.logits()));
            }
        };
        try (LanguageModel model = full(); TrainingEngine engine = new TrainingEngine(model, divergence)) {
            engine.zeroGradients();
            TokenValues values = engine.accumulateGradient(batch, -1);
            assertEquals(0, values.loss(), 1e-6);
            assertEquals(0, model.parameters().flatGradient().amaxNumber().doubleValue(), 1e-6);
            model.parameters().flat().muli(1.1);
            model.parameters().mastersChanged();
            assertTrue(engine.evaluate(batch).loss() > 1e-3, "the reference follows the policy");
        }
    }

    @Test
    void fusionsDoNotChangeTheGradient() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 29, 21, 1, 70);
        double[] fused = gradient(full(), batch, EngineOptions.DEFAULT);
        double[] unfused = gradient(full(), batch, EngineOptions.DEFAULT.withFusions(Set.of()));
        assertClose(unfused, fused);
        for (Fusion fusion : Fusion.values()) {
            assertClose(unfused, gradient(full(), batch, EngineOptions.DEFAULT.withFusions(Set.of(fusion))));
        }
        int[] elsewhere = batch.positions().clone();
        for (int i = 0; i < elsewhere.length; i++) {
            elsewhere[i] *= 2;
        }
        PackedBatch moved = new PackedBatch(batch.ids(), elsewhere, batch.offsets(), batch.supervisedRows(),
                batch.labels(), batch.weights());
        assertThrows(AssertionError.class,
                () -> assertClose(unfused, gradient(full(), moved, EngineOptions.DEFAULT)),
                "other positions went unnoticed");
    }

    @Test
    void theRotaryEmbeddingLeavesTheGraphWhenAttentionAppliesIt() {
        try (LanguageModel model = full();
                TrainingEngine fused = new TrainingEngine(model, LOG_LOSS);
                TrainingEngine plain = new TrainingEngine(model, LOG_LOSS, true,
                        EngineOptions.DEFAULT.withFusions(Set.of()))) {
            assertEquals(0, count(fused.trainingOperations(), "finetune4j_rotary"));
            assertEquals(2 * 4, count(plain.trainingOperations(), "finetune4j_rotary"));
        }
    }

    @Test
    void frozenWeightsGetNoGradientWork() {
        try (LanguageModel model = model()) {
            model.attach(new ModelGradientTest.TestAdapter(), 3);
            String frozen = model.parameters().hashOfFrozen();
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
                List<String> operations = engine.trainingOperations();
                int forward = 2 * 7 + 2 * 2 * 2;
                int towardsInputs = 7 + 4;
                int towardsAdapter = 4 * 3 + 3;
                assertEquals(forward + towardsInputs + towardsAdapter, count(operations, "finetune4j_matmul"));
                assertEquals(0, count(operations, "finetune4j_embedding_gradient"));
                assertEquals(0, count(operations, "finetune4j_head_loss["), "the loss is computed twice");
                engine.accumulateGradient(TestModels.batch(VOCABULARY, 1, 6, 8), 5);
            }
            assertEquals(frozen, model.parameters().hashOfFrozen());
        }
        try (LanguageModel model = full(); TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
            assertEquals(3 * 2 * 7, count(engine.trainingOperations(), "finetune4j_matmul"));
            assertEquals(1, count(engine.trainingOperations(), "finetune4j_embedding_gradient"));
        }
    }

    @Test
    void theSameRunGivesTheSameBits() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 26, 19, 3, 12);
        assertArrayEquals(gradient(full(), List.of(batch)), gradient(full(), List.of(batch)));
        List<PackedBatch> parts = split(batch, 1, 1, 1);
        List<PackedBatch> reversed = List.of(parts.get(2), parts.get(1), parts.get(0));
        double[] inOrder = gradient(full(), parts);
        double[] inReverse = gradient(full(), reversed);
        assertClose(inOrder, inReverse);
        assertThrows(AssertionError.class, () -> assertArrayEquals(inOrder, inReverse),
                "another order of summation went unnoticed");
    }

    @Test
    void dropoutIsDrawnAnewForEverySeedAndOffInEvaluation() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 27, 19, 12);
        try (LanguageModel model = model()) {
            model.attach(new ModelGradientTest.TestAdapter(), 3);
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
                double first = engine.accumulateGradient(batch, 1).loss();
                assertEquals(first, engine.accumulateGradient(batch, 1).loss());
                assertTrue(first != engine.accumulateGradient(batch, 2).loss());
                assertEquals(engine.evaluate(batch).loss(), engine.accumulateGradient(batch, -1).loss(), 1e-6 * first);
            }
        }
    }

    private static long count(List<String> operations, String prefix) {
        return operations.stream().filter(operation -> operation.startsWith(prefix)).count();
    }

    private LanguageModel model() {
        return LanguageModel.random(TestModels.config(true), precision, kernels, 5);
    }

    private LanguageModel full() {
        LanguageModel model = model();
        model.trainAll();
        return model;
    }

    private static double[] gradient(LanguageModel model, List<PackedBatch> batches) {
        return gradient(model, batches, 1024);
    }

    private static double[] gradient(LanguageModel model, List<PackedBatch> batches, int rowsPerChunk) {
        try (model; TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, EngineOptions.DEFAULT, rowsPerChunk)) {
            engine.zeroGradients();
            batches.forEach(batch -> engine.accumulateGradient(batch, -1));
            return model.parameters().flatGradient().toDoubleVector();
        }
    }

    private static double[] gradient(LanguageModel model, PackedBatch batch, EngineOptions options) {
        try (model; TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, options)) {
            engine.zeroGradients();
            engine.accumulateGradient(batch, -1);
            return model.parameters().flatGradient().toDoubleVector();
        }
    }

    private void assertClose(double[] expected, double[] actual) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], tolerance * largest, "gradient " + i);
        }
    }

    /** Parts with these numbers of sequences each. */
    private static List<PackedBatch> split(PackedBatch batch, int... sequences) {
        List<PackedBatch> parts = new ArrayList<>();
        int first = 0;
        for (int count : sequences) {
            int begin = batch.offsets()[first];
            int end = batch.offsets()[first + count];
            int[] offsets = Arrays.stream(batch.offsets(), first, first + count + 1).map(o -> o - begin).toArray();
            int[] chosen = java.util.stream.IntStream.range(0, batch.supervised())
                    .filter(r -> batch.supervisedRows()[r] >= begin && batch.supervisedRows()[r] < end).toArray();
            float[] weights = new float[chosen.length];
            for (int i = 0; i < chosen.length; i++) {
                weights[i] = batch.weights()[chosen[i]];
            }
            if (chosen.length > 0) {
                parts.add(new PackedBatch(Arrays.copyOfRange(batch.ids(), begin, end),
                        Arrays.copyOfRange(batch.positions(), begin, end), offsets,
                        Arrays.stream(chosen).map(r -> batch.supervisedRows()[r] - begin).toArray(),
                        Arrays.stream(chosen).map(r -> batch.labels()[r]).toArray(), weights));
            }
            first += count;
        }
        return parts;
    }
}
