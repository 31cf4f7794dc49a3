package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** What must hold for the engine on every device and in every precision; each law beside a variant that breaks it. */
abstract class EngineLaws {
    private static final int VOCABULARY = 37;
    private static final int BLOCKS = 6;
    private static final ModelConfig DEEP = ModelConfig.llama(VOCABULARY, 24, 20, BLOCKS, 4, 2, 6, 1e-5, 10000, 64, true, 0,
            List.of(1), DataType.FLOAT, 0.3);
    private static final TokenLoss LOG_LOSS = new TokenLoss() {
        @Override
        public Expression build(TokenView view) {
            return Expression.of(view.logProbability().neg());
        }
    };

    private static final EngineOptions UNFUSED = EngineOptions.DEFAULT.withFusions(Set.of());

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
    void clearedGradientsForgetWhatWasThere() {
        for (boolean adapter : new boolean[] {false, true}) {
            PackedBatch first = TestModels.batch(VOCABULARY, 31, 8, 11);
            PackedBatch second = TestModels.batch(VOCABULARY, 32, 13);
            try (LanguageModel model = deep(adapter); TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
                Parameters parameters = model.parameters();
                engine.accumulateGradient(first, 3);
                engine.accumulateGradient(second, 4);
                double[] expected = parameters.flatGradient().toDoubleVector();
                parameters.flatGradient().assign(Double.NaN);
                engine.zeroGradients();
                engine.accumulateGradient(first, 3);
                engine.accumulateGradient(second, 4);
                assertArrayEquals(expected, parameters.flatGradient().toDoubleVector(), 0);
                engine.zeroGradients();
                for (Parameter parameter : parameters.trainable()) {
                    assertEquals(0, parameters.gradient(parameter).amaxNumber().doubleValue(), parameter.name());
                }
                engine.zeroGradients();
                assertEquals(0, parameters.flatGradient().amaxNumber().doubleValue());
            }
        }
    }

    @Test
    void fusionsDoNotChangeTheGradient() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 29, 21, 1, 70);
        double[] unfused = gradient(full(), batch, UNFUSED);
        // bfloat16 rounds elsewhere when operations are fused: neither result is right, but the fused one is no worse.
        double[] exact = precision == Precision.BF16 ? gradient(full(Precision.F32), batch, UNFUSED) : unfused;
        double allowed = precision == Precision.BF16 ? 1.25 * distance(exact, unfused)
                : tolerance * distance(exact, new double[exact.length]);
        List<Set<Fusion>> choices = new ArrayList<>(List.of(EnumSet.allOf(Fusion.class)));
        Arrays.stream(Fusion.values()).forEach(fusion -> choices.add(Set.of(fusion)));
        for (Set<Fusion> fusions : choices) {
            double off = distance(exact, gradient(full(), batch, EngineOptions.DEFAULT.withFusions(fusions)));
            assertTrue(off <= allowed, fusions + " are off by " + off + ", allowed " + allowed);
        }
        int[] elsewhere = batch.positions().clone();
        for (int i = 0; i < elsewhere.length; i++) {
            elsewhere[i] *= 2;
        }
        PackedBatch moved = new PackedBatch(batch.ids(), elsewhere, batch.offsets(), batch.supervisedRows(),
                batch.labels(), batch.weights());
        assertTrue(distance(exact, gradient(full(), moved, EngineOptions.DEFAULT)) > 2 * allowed,
                "other positions would go unnoticed");
    }

    @Test
    void theRotaryEmbeddingLeavesTheGraphWhenAttentionAppliesIt() {
        try (LanguageModel model = full();
                TrainingEngine fused = new TrainingEngine(model, LOG_LOSS);
                TrainingEngine plain = new TrainingEngine(model, LOG_LOSS, true,
                        UNFUSED)) {
            assertEquals(0, count(fused.trainingOperations(), "finetune4j_rotary"));
            assertEquals(2 * 4, count(plain.trainingOperations(), "finetune4j_rotary"));
        }
    }

    @Test
    void frozenWeightsGetNoGradientWork() {
        try (LanguageModel model = model()) {
            model.attach(new ModelGradientTest.TestAdapter(), 3);
            String frozen = model.parameters().hashOfFrozen();
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, UNFUSED)) {
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
        try (LanguageModel model = full(); TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, UNFUSED)) {
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

    @Test
    void recomputedBlocksGiveTheSameBits() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 29, 19, 12);
        for (boolean adapter : new boolean[] {false, true}) {
            for (Set<Fusion> fusions : List.of(EnumSet.noneOf(Fusion.class), EnumSet.allOf(Fusion.class))) {
                EngineOptions kept = new EngineOptions(fusions, 0);
                double[] expected = gradient(deep(adapter), batch, kept, 3);
                for (int blocks : new int[] {1, 3, BLOCKS, BLOCKS + 1}) {
                    assertArrayEquals(expected, gradient(deep(adapter), batch, kept.withRecomputedBlocks(blocks), 3),
                            (adapter ? "adapter, " : "full, ") + fusions + ", " + blocks + " blocks");
                }
                assertArrayEquals(expected, gradient(deep(adapter), batch, kept.withCheapRecomputed(), 3));
                if (adapter) {
                    assertFalse(Arrays.equals(expected, gradient(deep(true), batch, kept, 4)),
                            "dropout does not show in the gradient, so another mask would go unnoticed");
                }
            }
        }
    }

    @Test
    void copiesOfFrozenWeightsGiveTheSameBitsWithinTheirBytes() {
        PackedBatch batch = TestModels.batch(VOCABULARY, 31, 19, 12);
        double[] expected = gradient(deep(true), batch, EngineOptions.DEFAULT, 3);
        long all;
        try (LanguageModel model = deep(true); TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
            all = engine.forecast(31, 31, 2).copyBytes();
        }
        for (long bytes : new long[] {Long.MAX_VALUE, all, all / 2, 1, 0}) {
            try (LanguageModel model = deep(true);
                    TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true,
                            EngineOptions.DEFAULT.withCopyBytes(bytes))) {
                engine.zeroGradients();
                engine.accumulateGradient(batch, 3);
                assertArrayEquals(expected, model.parameters().flatGradient().toDoubleVector(), bytes + " bytes");
                assertTrue(engine.heldBytes() <= bytes && (bytes < all / 2 || engine.heldBytes() >= all / 4),
                        engine.heldBytes() + " of " + bytes);
                assertTrue(bytes < all || engine.heldBytes() == all, engine.heldBytes() + " of " + all);
            }
        }
        try (LanguageModel model = deep(false); TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
            assertEquals(0, engine.forecast(31, 31, 2).copyBytes(), "weights that train are not copied");
        }
    }

    @Test
    void recomputedBlocksTakeOperationsAndSpareMemory() {
        for (boolean adapter : new boolean[] {false, true}) {
            List<Long> operations = new ArrayList<>();
            for (EngineOptions options : List.of(EngineOptions.DEFAULT, UNFUSED)) {
                operations.clear();
                List<Long> bytes = new ArrayList<>();
                for (int blocks = 0; blocks <= BLOCKS; blocks++) {
                    bytes.add(arenaBytes(adapter, options.withRecomputedBlocks(blocks), operations));
                }
                assertTrue(bytes.get(BLOCKS) < 0.7 * bytes.get(0), "bytes: " + bytes);
                assertTrue(bytes.get(BLOCKS / 2) < 0.85 * bytes.get(0), "bytes: " + bytes);
                long cheap = arenaBytes(adapter, options.withCheapRecomputed(), operations);
                // The adapter keeps what dropout leaves of a norm, and so does not need the norm.
                assertTrue(cheap <= (adapter ? 1 : 0.95) * bytes.get(0) && cheap > bytes.get(BLOCKS),
                        cheap + " among " + bytes);
            }
            assertEquals(operations.get(0), operations.get(BLOCKS + 1), "products are not cheap");
            for (int blocks = 1; blocks <= BLOCKS; blocks++) {
                long more = operations.get(blocks) - operations.get(blocks - 1);
                // A block has seven products, of which the last one's result is kept, and three more of the adapter.
                assertTrue(more >= 3 && more <= (adapter ? 9 : 6), "operations: " + operations);
            }
        }
    }

    /** The size of the arena after a training pass; adds the number of matrix products to a list. */
    private long arenaBytes(boolean adapter, EngineOptions options, List<Long> products) {
        try (LanguageModel model = deep(adapter);
                TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, options)) {
            engine.accumulateGradient(TestModels.batch(VOCABULARY, 30, 40, 50, 60), 3);
            products.add(count(engine.trainingOperations(), "finetune4j_matmul"));
            return engine.arenaBytes();
        }
    }

    @Test
    void blocksBelowAllThatTrainsAreNotRecomputed() {
        try (LanguageModel model = LanguageModel.random(DEEP, precision, kernels, 5)) {
            model.attach(new LastBlockAdapter(BLOCKS - 1), 3);
            try (TrainingEngine kept = new TrainingEngine(model, LOG_LOSS);
                    TrainingEngine below = new TrainingEngine(model, LOG_LOSS, true,
                            EngineOptions.DEFAULT.withRecomputedBlocks(BLOCKS - 1));
                    TrainingEngine all = new TrainingEngine(model, LOG_LOSS, true,
                            EngineOptions.DEFAULT.withRecomputedBlocks(BLOCKS))) {
                assertEquals(kept.trainingOperations(), below.trainingOperations());
                assertTrue(all.trainingOperations().size() > kept.trainingOperations().size());
            }
        }
    }

    @Test
    void weightsThatBytesCanHoldActAlikeAsBytes(@TempDir Path folder) throws IOException {
        double step = 1.0 / 64;
        try (LanguageModel model = model()) {
            Map<String, INDArray> weights = new LinkedHashMap<>();
            model.baseTensors().forEach((name, array) -> {
                INDArray held = Transforms.round(array.castTo(DataType.FLOAT).div(step)).muli(step);
                if (held.rank() == 2) {
                    held.getColumn(0).assign(127 * step);
                }
                weights.put(name, held);
            });
            SafetensorsWriter.create().storedAs(DataType.FLOAT)
                    .write(folder.resolve("model.safetensors"), weights, Map.of("format", "pt"));
            Files.writeString(folder.resolve(ModelConfig.FILE_NAME), model.config().toJson());
        }
        PackedBatch batch = TestModels.batch(VOCABULARY, 31, 19, 12);
        double[] numbers = adapterGradient(LanguageModel.load(folder, precision, kernels), batch);
        double[] bytes = adapterGradient(LanguageModel.load(folder, precision, FrozenWeights.INT8, kernels), batch);
        assertClose(numbers, bytes);
        double[] coarse = adapterGradient(LanguageModel.random(TestModels.config(true), precision, FrozenWeights.INT8,
                kernels, 5), batch);
        assertThrows(AssertionError.class, () -> assertClose(adapterGradient(model(), batch), coarse),
                "nothing was rounded to bytes");
    }

    private static double[] adapterGradient(LanguageModel loaded, PackedBatch batch) {
        try (LanguageModel model = loaded) {
            model.attach(new ModelGradientTest.TestAdapter(), 3);
            String frozen = model.parameters().hashOfFrozen();
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
                engine.accumulateGradient(batch, -1);
            }
            assertEquals(frozen, model.parameters().hashOfFrozen());
            return model.parameters().flatGradient().toDoubleVector();
        }
    }

    @Test
    void weightsOfBytesDoNotTrain() {
        try (LanguageModel bytes = LanguageModel.random(TestModels.config(true), precision, FrozenWeights.INT8, kernels,
                5)) {
            assertTrue(assertThrows(FinetuneException.class, bytes::trainAll).getMessage().contains("Attach an adapter"));
        }
    }

    /** A low-rank branch in one block only. */
    private static final class LastBlockAdapter implements LinearAdapter {
        private final LinearAdapter everywhere = new ModelGradientTest.TestAdapter();
        private final String block;

        LastBlockAdapter(int block) {
            this.block = ".layers." + block + ".";
        }

        @Override
        public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
            return site.contains(block) ? everywhere.parameters(site, inputs, outputs) : List.of();
        }

        @Override
        public SDVariable adapt(LinearSite site, SDVariable base) {
            return everywhere.adapt(site, base);
        }
    }

    private LanguageModel deep(boolean adapter) {
        LanguageModel model = LanguageModel.random(DEEP, precision, kernels, 5);
        if (adapter) {
            model.attach(new ModelGradientTest.TestAdapter(), 3);
        } else {
            model.trainAll();
        }
        return model;
    }

    private static double[] gradient(LanguageModel model, PackedBatch batch, EngineOptions options, long dropoutSeed) {
        try (model; TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, options)) {
            engine.zeroGradients();
            engine.accumulateGradient(batch, dropoutSeed);
            return model.parameters().flatGradient().toDoubleVector();
        }
    }

    private static long count(List<String> operations, String prefix) {
        return operations.stream().filter(operation -> operation.startsWith(prefix)).count();
    }

    private LanguageModel model() {
        return LanguageModel.random(TestModels.config(true), precision, kernels, 5);
    }

    private LanguageModel full() {
        return full(precision);
    }

    private LanguageModel full(Precision type) {
        LanguageModel model = LanguageModel.random(TestModels.config(true), type, kernels, 5);
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

    private static double distance(double[] a, double[] b) {
        return Math.sqrt(IntStream.range(0, a.length).mapToDouble(i -> (a[i] - b[i]) * (a[i] - b[i])).sum());
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
