package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.bits;
import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.Activation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

class OneDnnLawsTest {
    private static final int TOKENS = 203;
    private static final int HIDDEN = 192;
    private static final int WIDE = 512;
    private static final int VOCABULARY = 3001;
    private static final AttentionShape SHAPE = new AttentionShape(6, 2, 32);
    private static final int[] OFFSETS = {0, 150, 151, TOKENS};

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void anyNumberOfThreadsAndAnyRunGiveTheSameBits(DataType type) {
        List<float[]> expected = null;
        for (int threads : new int[] {1, 2, 3, 2, 1}) {
            try (OneDnnKernels kernels = new OneDnnKernels(threads)) {
                assumeTrue(kernels.supports(type));
                Step step = new Step(type);
                step.run(kernels);
                List<float[]> found = step.results();
                if (expected == null) {
                    expected = found;
                }
                assertEquals(expected.size(), found.size());
                for (int i = 0; i < found.size(); i++) {
                    assertArrayEquals(expected.get(i), found.get(i), "result " + i + " on " + threads + " threads");
                }
            }
        }
    }

    @Test
    void theThreadsOfOpenMpNeitherMatterNorChange() {
        var operations = NativeOpsHolder.getInstance().getDeviceNativeOps();
        int before = operations.ompGetMaxThreads();
        try (OneDnnKernels kernels = new OneDnnKernels(1)) {
            List<float[]> expected = null;
            for (int threads : new int[] {1, 2, 4}) {
                operations.setOmpNumThreads(threads);
                Step step = new Step(DataType.FLOAT);
                step.run(kernels);
                assertEquals(threads, operations.ompGetMaxThreads());
                if (expected == null) {
                    expected = step.results();
                }
                for (int i = 0; i < expected.size(); i++) {
                    assertArrayEquals(expected.get(i), step.results().get(i));
                }
            }
        } finally {
            operations.setOmpNumThreads(before);
        }
    }

    @Test
    void everyChunkComputesOnOneThread() {
        // Left to itself, oneDNN splits long sums between its threads, which changes their bits.
        var operations = NativeOpsHolder.getInstance().getDeviceNativeOps();
        int before = operations.ompGetMaxThreads();
        operations.setOmpNumThreads(2);
        try (Workers workers = new Workers(2)) {
            workers.run(50, (worker, chunk) -> assertEquals(1, operations.ompGetMaxThreads()));
            workers.run(1, (worker, chunk) -> assertEquals(1, operations.ompGetMaxThreads()));
            assertThrows(ArithmeticException.class, () -> workers.run(50, (worker, chunk) -> {
                throw new ArithmeticException("chunk " + chunk);
            }));
            assertEquals(2, operations.ompGetMaxThreads());
            int[] seen = new int[500];
            workers.run(500, (worker, chunk) -> seen[chunk]++);
            for (int count : seen) {
                assertEquals(1, count);
            }
        } finally {
            operations.setOmpNumThreads(before);
        }
    }

    @Test
    void nativeMemoryStaysFlatAndIsGivenBack() {
        Step step = new Step(DataType.FLOAT);
        long withArrays = Pointer.totalCount();
        OneDnnKernels kernels = new OneDnnKernels(1);
        step.run(kernels);
        long bytes = Pointer.totalBytes();
        long count = Pointer.totalCount();
        int primitives = kernels.cachedPrimitives();
        for (int i = 0; i < 100; i++) {
            step.run(kernels);
        }
        assertTrue(count > withArrays);
        assertTrue(Pointer.totalBytes() <= bytes, Pointer.totalBytes() + " bytes after " + bytes);
        assertTrue(Pointer.totalCount() <= count, Pointer.totalCount() + " pointers after " + count);
        assertEquals(primitives, kernels.cachedPrimitives());
        kernels.close();
        kernels.close();
        assertTrue(Pointer.totalCount() <= withArrays, Pointer.totalCount() + " pointers, " + withArrays + " before");
        assertThrows(IllegalStateException.class, () -> step.run(kernels));
    }

    @Test
    void batchesOfEverySizeShareAFewPrimitives() {
        try (OneDnnKernels kernels = new OneDnnKernels(1)) {
            INDArray weight = normal(1, DataType.FLOAT, 32, 32);
            INDArray gradient = normal(2, DataType.FLOAT, 32, 32);
            for (int tokens = 1; tokens <= 600; tokens++) {
                INDArray x = output(DataType.FLOAT, tokens, 32);
                kernels.matmul(x, false, weight, true, output(DataType.FLOAT, tokens, 32), 1, false);
                kernels.matmul(x, true, x, false, gradient, 1, true);
            }
            // Rows of 1..15, 16, 32, 48, 64, 128, 192 and 256, for each of the two products; few rows also of 20, 24, 28.
            assertEquals(2 * 22 + 3, kernels.cachedPrimitives());
        }
    }

    @Test
    void primitivesAreBoundedAndRemade() {
        try (OneDnnKernels kernels = new OneDnnKernels(1)) {
            for (int pass = 0; pass < 2; pass++) {
                for (int n = 1; n <= Worker.PRIMITIVES + 20; n++) {
                    INDArray out = output(DataType.FLOAT, 1, n);
                    kernels.matmul(Nd4j.ones(DataType.FLOAT, 1, 1), false, Nd4j.ones(DataType.FLOAT, 1, n), false, out, 1, false);
                    assertEquals(1, out.getFloat(n - 1));
                }
                assertEquals(Worker.PRIMITIVES, kernels.cachedPrimitives());
            }
        }
    }

    @Test
    void aPointerScopeOfTheCallerTakesNothingAway() {
        try (OneDnnKernels kernels = new OneDnnKernels(1)) {
            INDArray a = normal(1, DataType.FLOAT, 4, 4);
            INDArray q = normal(2, DataType.FLOAT, 4, 8);
            INDArray first = output(DataType.FLOAT, 4, 4);
            INDArray out = output(DataType.FLOAT, 4, 8);
            try (PointerScope scope = new PointerScope()) {
                kernels.matmul(a, false, a, false, first, 1, false);
                kernels.attention(q, q, q, integers(0, 4), new AttentionShape(2, 2, 4), null, out,
                        output(DataType.FLOAT, 4, 2));
            }
            INDArray second = output(DataType.FLOAT, 4, 4);
            INDArray again = output(DataType.FLOAT, 4, 8);
            kernels.matmul(a, false, a, false, second, 1, false);
            kernels.attention(q, q, q, integers(0, 4), new AttentionShape(2, 2, 4), null, again,
                        output(DataType.FLOAT, 4, 2));
            assertArrayEquals(bits(first), bits(second));
            assertArrayEquals(bits(out), bits(again));
        }
    }

    @Test
    void callsFromSeveralThreadsWaitForOneAnother() throws Exception {
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            Step alone = new Step(DataType.FLOAT);
            alone.run(kernels);
            Step[] steps = {new Step(DataType.FLOAT), new Step(DataType.FLOAT), new Step(DataType.FLOAT)};
            List<Thread> threads = new ArrayList<>();
            for (Step step : steps) {
                threads.add(new Thread(() -> step.run(kernels)));
            }
            for (Thread thread : threads) {
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            for (Step step : steps) {
                for (int i = 0; i < alone.results().size(); i++) {
                    assertArrayEquals(alone.results().get(i), step.results().get(i));
                }
            }
        }
    }

    /** One call of every kernel that writes numbers, on fixed random inputs. */
    private static final class Step {
        private final INDArray hidden;
        private final INDArray weight;
        private final INDArray wide;
        private final INDArray upstream;
        private final INDArray projection;
        private final INDArray queries;
        private final INDArray keys;
        private final INDArray values;
        private final INDArray queryOut;
        private final INDArray logSums;
        private final INDArray[] attentionGradients;
        private final INDArray hiddenOut;
        private final INDArray wideOut;
        private final INDArray wideGradient;
        private final INDArray vectorGradient;
        private final INDArray weightGradient;
        private final INDArray tableGradient;
        private final INDArray logits;
        private final INDArray perToken;
        private final INDArray sums;
        private final INDArray otherSums;
        private final INDArray klGradient;
        private final INDArray logitsGradient;
        private final INDArray moment;
        private final INDArray firstMoment;
        private final INDArray projectionGradient;
        private final INDArray hiddenGradient;
        private final INDArray ids;
        private final INDArray positions;
        private final INDArray offsets = integers(OFFSETS);
        private final RotaryTable table = new RotaryTable(SHAPE.headDimension(), 10_000);
        private double norm;

        Step(DataType type) {
            hidden = normal(1, type, TOKENS, HIDDEN);
            weight = normal(2, type, HIDDEN);
            projection = normal(3, type, WIDE, HIDDEN);
            wide = normal(4, type, TOKENS, WIDE);
            upstream = normal(5, type, TOKENS, WIDE);
            queries = normal(6, type, TOKENS, SHAPE.queryWidth());
            keys = normal(7, type, TOKENS, SHAPE.keyValueWidth());
            values = normal(8, type, TOKENS, SHAPE.keyValueWidth());
            logits = normal(9, DataType.FLOAT, TOKENS, VOCABULARY);
            perToken = output(DataType.FLOAT, TOKENS);
            sums = output(DataType.FLOAT, TOKENS);
            otherSums = output(DataType.FLOAT, TOKENS);
            klGradient = output(DataType.BFLOAT16, TOKENS, VOCABULARY);
            logitsGradient = output(DataType.FLOAT, TOKENS, VOCABULARY);
            queryOut = output(type, TOKENS, SHAPE.queryWidth());
            logSums = output(DataType.FLOAT, TOKENS, SHAPE.heads());
            attentionGradients = new INDArray[] {output(type, TOKENS, SHAPE.queryWidth()),
                output(type, TOKENS, SHAPE.keyValueWidth()), output(type, TOKENS, SHAPE.keyValueWidth())};
            hiddenOut = output(type, TOKENS, HIDDEN);
            wideOut = output(type, TOKENS, WIDE);
            wideGradient = output(type, TOKENS, WIDE);
            vectorGradient = normal(10, DataType.FLOAT, HIDDEN);
            weightGradient = normal(11, DataType.FLOAT, WIDE, HIDDEN);
            tableGradient = normal(12, DataType.FLOAT, 50, HIDDEN);
            moment = normal(13, DataType.FLOAT, WIDE, HIDDEN).muli(0.1);
            moment.muli(moment);
            firstMoment = normal(14, DataType.FLOAT, WIDE, HIDDEN);
            projectionGradient = normal(15, DataType.FLOAT, WIDE, HIDDEN);
            hiddenGradient = output(type, TOKENS, HIDDEN);
            int[] rows = new int[TOKENS];
            int[] places = new int[TOKENS];
            for (int t = 0; t < TOKENS; t++) {
                rows[t] = t * 7 % 50;
                places[t] = t;
            }
            ids = integers(rows);
            positions = integers(places);
        }

        // Makes no arrays, so that a test can count native memory.
        void run(OneDnnKernels kernels) {
            kernels.rmsNorm(hidden, weight, false, 1e-5, hiddenOut);
            kernels.matmul(hiddenOut, false, projection, true, wideOut, 1, false);
            kernels.gatedActivation(wideOut, wide, Activation.Kind.SILU, wideGradient);
            kernels.gatedActivationGradient(wideOut, wide, Activation.Kind.SILU, upstream, wideOut, wideGradient);
            kernels.matmul(wideGradient, true, hiddenOut, false, weightGradient, 0.5, true);
            kernels.matmul(wideGradient, false, projection, false, hiddenOut, 1, false);
            kernels.rotary(queries, positions, table, false, queryOut);
            RotaryPositions rotary = new RotaryPositions(positions, table);
            kernels.attention(queries, keys, values, offsets, SHAPE, rotary, queryOut, logSums);
            kernels.attentionGradient(queries, keys, values, offsets, SHAPE, rotary, queryOut, logSums, queries,
                    attentionGradients[0], attentionGradients[1], attentionGradients[2]);
            kernels.embeddingGradient(ids, hiddenOut, tableGradient);
            kernels.rmsNormGradient(hidden, weight, false, 1e-5, hiddenOut, hidden, hiddenGradient,
                    vectorGradient);
            kernels.logSumExp(logits, sums);
            kernels.logProbability(logits, ids, sums, perToken);
            kernels.logProbabilityGradient(logits, ids, sums, perToken, null, logitsGradient);
            kernels.logSumExp(logitsGradient, otherSums);
            kernels.klDivergence(logits, logitsGradient, sums, otherSums, perToken);
            kernels.klDivergenceToGradient(logits, logits, sums, otherSums, perToken, null, klGradient);
            norm = kernels.squaredNorm(weightGradient);
            kernels.adamW(weightGradient, projectionGradient, firstMoment, moment,
                    new AdamWStep(1e-3, 0.9, 0.999, 1e-8, 0.1, 1, 1));
        }

        List<float[]> results() {
            List<float[]> all = new ArrayList<>();
            for (INDArray array : new INDArray[] {hiddenOut, wideOut, wideGradient, weightGradient, queryOut, logSums,
                attentionGradients[0], attentionGradients[1], attentionGradients[2], tableGradient, vectorGradient, perToken,
                sums, klGradient,
                logitsGradient, moment, firstMoment, hiddenGradient}) {
                all.add(bits(array));
            }
            all.add(new float[] {Float.intBitsToFloat((int) Double.doubleToRawLongBits(norm)), (float) norm});
            return all;
        }
    }
}
