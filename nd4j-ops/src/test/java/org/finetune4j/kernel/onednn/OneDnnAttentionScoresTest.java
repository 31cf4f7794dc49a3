package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.bits;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.finetune4j.kernel.onednn.Samples.tolerance;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.stream.Stream;
import org.finetune4j.kernel.AttentionScores;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The laws of attention with windows, softcaps and without a mask: bits, packing, caches, and what is not read. */
class OneDnnAttentionScoresTest {
    private static final AttentionShape HEADS = new AttentionShape(4, 2, 16);
    private static final RotaryTable TABLE = new RotaryTable(16, new double[] {1, 0.2, 0.03}, 1.2);
    private static final int[] OFFSETS = {0, 3, 150, 333};

    static Stream<Arguments> cases() {
        return Stream.of(DataType.FLOAT, DataType.BFLOAT16).flatMap(type -> Stream.of(
                new AttentionScores(0.25, 0, 70, true), new AttentionScores(0.25, 5, 0, true),
                new AttentionScores(0.3, 5, 20, true), new AttentionScores(0.25, 0, 0, false))
                .map(scores -> Arguments.of(type, HEADS.withScores(scores))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void anyNumberOfThreadsGivesTheSameBits(DataType type, AttentionShape shape) {
        float[][] expected = null;
        for (int threads : new int[] {1, 2, 3}) {
            try (OneDnnKernels kernels = new OneDnnKernels(threads)) {
                assumeTrue(kernels.supports(type));
                float[][] found = new Pass(type, shape, 0, OFFSETS).run(kernels);
                expected = expected == null ? found : expected;
                assertArrayEquals(expected, found, threads + " threads");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aSequenceHasTheSameBitsInABatchAsAlone(DataType type, AttentionShape shape) {
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            assumeTrue(kernels.supports(type));
            float[][] packed = new Pass(type, shape, 0, OFFSETS).run(kernels);
            int first = OFFSETS[1];
            int count = OFFSETS[2] - first;
            float[][] alone = new Pass(type, shape, first, 0, count).run(kernels);
            for (int i = 0; i < alone.length; i++) {
                int width = alone[i].length / count;
                for (int j = 0; j < alone[i].length; j++) {
                    assertTrue(alone[i][j] == packed[i][first * width + j], "result " + i + ", number " + j);
                }
            }
        }
    }

    static Stream<Arguments> causalCases() {
        return cases().filter(arguments -> ((AttentionShape) arguments.get()[1]).scores().causal());
    }

    @ParameterizedTest
    @MethodSource("causalCases")
    void cachedInPiecesIsUncached(DataType type, AttentionShape shape) {
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            assumeTrue(kernels.supports(type));
            Pass whole = new Pass(type, shape, 0, 0, OFFSETS[3]);
            whole.run(kernels);
            INDArray keyCache = output(type, 1, 400, shape.keyValueWidth()).assign(Double.NaN);
            INDArray valueCache = keyCache.dup();
            INDArray found = output(type, whole.out.shape());
            // A prompt, a few tokens one or several at a time, a long piece, and a last token.
            int[] ends = {130, 131, 132, 136, 139, 210, 332, 333};
            int begin = 0;
            for (int end : ends) {
                INDArray part = output(type, end - begin, shape.queryWidth());
                kernels.cachedAttention(rows(whole.query, begin, end), rows(whole.key, begin, end),
                        rows(whole.value, begin, end), keyCache, valueCache, integers(begin), integers(0, end - begin),
                        shape, new RotaryPositions(range(begin, end), TABLE), part);
                rows(found, begin, end).assign(part);
                begin = end;
            }
            assertClose(doubles(whole.out), found, tolerance(type));
        }
    }

    @Test
    void whatLiesBehindEveryWindowIsNotRead() {
        AttentionShape shape = HEADS.withScores(new AttentionScores(0.25, 0, 40, true));
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            for (int added : new int[] {1, 4, 30}) {
                INDArray keyCache = normal(1, DataType.FLOAT, 1, 300, shape.keyValueWidth());
                INDArray valueCache = normal(2, DataType.FLOAT, 1, 300, shape.keyValueWidth());
                // The windows begin at place 161, or with the block of 64 that has it.
                for (INDArray cache : new INDArray[] {keyCache, valueCache}) {
                    cache.get(NDArrayIndex.point(0), NDArrayIndex.interval(0, 128), NDArrayIndex.all()).assign(Double.NaN);
                }
                INDArray x = normal(3, DataType.FLOAT, added, shape.queryWidth());
                INDArray key = normal(4, DataType.FLOAT, added, shape.keyValueWidth());
                INDArray out = output(DataType.FLOAT, x.shape());
                kernels.cachedAttention(x, key, key, keyCache, valueCache, integers(200), integers(0, added), shape, null, out);
                for (double value : doubles(out)) {
                    assertTrue(Double.isFinite(value), added + " new tokens read what no one sees");
                }
            }
            Pass pass = new Pass(DataType.FLOAT, shape, 0, 0, 400);
            rows(pass.key, 0, 64).assign(Double.NaN);
            rows(pass.value, 0, 64).assign(Double.NaN);
            pass.run(kernels);
            for (INDArray result : new INDArray[] {pass.out, pass.queryGradient, pass.keyGradient, pass.valueGradient}) {
                for (double value : doubles(rows(result, 192, 400))) {
                    assertTrue(Double.isFinite(value), "keys behind the window were read");
                }
            }
        }
    }

    @Test
    void theLargestWindowIsOneOverAllKeys() {
        float[][] expected = null;
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            for (int window : new int[] {OFFSETS[3], Integer.MAX_VALUE}) {
                AttentionShape shape = HEADS.withScores(new AttentionScores(0.25, 0, window, true));
                float[][] found = new Pass(DataType.FLOAT, shape, 0, OFFSETS).run(kernels);
                expected = expected == null ? found : expected;
                assertArrayEquals(expected, found, "window " + window);
            }
        }
    }

    private static INDArray rows(INDArray matrix, int begin, int end) {
        return matrix.get(NDArrayIndex.interval(begin, end), NDArrayIndex.all());
    }

    private static INDArray range(int begin, int end) {
        int[] places = new int[end - begin];
        for (int i = 0; i < places.length; i++) {
            places[i] = begin + i;
        }
        return integers(places);
    }

    /** Attention and its gradients over some of the tokens of one random batch. */
    private static final class Pass {
        private final AttentionShape shape;
        private final INDArray offsets;
        private final INDArray positions;
        private final INDArray query;
        private final INDArray key;
        private final INDArray value;
        private final INDArray upstream;
        private final INDArray out;
        private final INDArray logSums;
        private final INDArray queryGradient;
        private final INDArray keyGradient;
        private final INDArray valueGradient;

        Pass(DataType type, AttentionShape shape, int first, int... offsets) {
            this.shape = shape;
            this.offsets = integers(offsets);
            int tokens = offsets[offsets.length - 1];
            positions = range(first, first + tokens);
            query = part(1, type, shape.queryWidth(), first, tokens);
            key = part(2, type, shape.keyValueWidth(), first, tokens);
            value = part(3, type, shape.keyValueWidth(), first, tokens);
            upstream = part(4, type, shape.queryWidth(), first, tokens);
            out = output(type, tokens, shape.queryWidth());
            logSums = output(DataType.FLOAT, tokens, shape.heads());
            queryGradient = output(type, tokens, shape.queryWidth());
            keyGradient = output(type, tokens, shape.keyValueWidth());
            valueGradient = output(type, tokens, shape.keyValueWidth());
        }

        private static INDArray part(long seed, DataType type, int width, int first, int tokens) {
            return rows(normal(seed, type, 400, width), first, first + tokens).dup('c');
        }

        float[][] run(OneDnnKernels kernels) {
            RotaryPositions rotary = new RotaryPositions(positions, TABLE);
            kernels.attention(query, key, value, offsets, shape, rotary, out, logSums);
            kernels.attentionGradient(query, key, value, offsets, shape, rotary, out, logSums, upstream, queryGradient,
                    keyGradient, valueGradient);
            return new float[][] {bits(out), bits(logSums), bits(queryGradient), bits(keyGradient), bits(valueGradient)};
        }
    }
}
