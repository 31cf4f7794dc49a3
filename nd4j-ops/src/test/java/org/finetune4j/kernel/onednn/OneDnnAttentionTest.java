package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.finetune4j.kernel.onednn.Samples.tolerance;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import org.finetune4j.kernel.AttentionShape;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

class OneDnnAttentionTest {
    private static OneDnnKernels kernels;

    @BeforeAll
    static void open() {
        kernels = new OneDnnKernels(2);
    }

    @AfterAll
    static void close() {
        kernels.close();
    }

    static Stream<Arguments> cases() {
        AttentionShape grouped = new AttentionShape(6, 2, 16);
        AttentionShape single = new AttentionShape(3, 1, 32);
        AttentionShape plain = new AttentionShape(2, 2, 5);
        return Stream.of(DataType.FLOAT, DataType.BFLOAT16).flatMap(type -> Stream.of(
                Arguments.of(type, grouped, new int[] {0, 1}),
                Arguments.of(type, grouped, new int[] {0, 1, 3, 10, 10, 27, 61}),
                Arguments.of(type, single, new int[] {0, 128, 257, 300}),
                Arguments.of(type, plain, new int[] {0, 20, 319}),
                Arguments.of(type, grouped, new int[] {0, 5, 400})));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void attentionAndItsGradients(DataType type, AttentionShape shape, int[] offsets) {
        assumeTrue(kernels.supports(type));
        int tokens = offsets[offsets.length - 1];
        INDArray q = normal(1, type, tokens, shape.queryWidth());
        INDArray k = normal(2, type, tokens, shape.keyValueWidth());
        INDArray v = normal(3, type, tokens, shape.keyValueWidth());
        INDArray upstream = normal(4, type, tokens, shape.queryWidth());
        Reference reference = new Reference(shape, doubles(q), doubles(k), doubles(v), doubles(upstream), offsets);
        INDArray out = output(type, tokens, shape.queryWidth());
        INDArray logSums = output(DataType.FLOAT, tokens, shape.heads());
        kernels.attention(q, k, v, integers(offsets), shape, null, out, logSums);
        assertClose(reference.out, out, tolerance(type));
        INDArray dq = output(type, tokens, shape.queryWidth());
        INDArray dk = output(type, tokens, shape.keyValueWidth());
        INDArray dv = output(type, tokens, shape.keyValueWidth());
        kernels.attentionGradient(q, k, v, integers(offsets), shape, null, out, logSums, upstream, dq, dk, dv);
        assertClose(reference.dv, dv, tolerance(type));
        if (offsets.length > 2) {
            assertClose(reference.dq, dq, tolerance(type));
            assertClose(reference.dk, dk, tolerance(type));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void cachedAttentionInPiecesIsAttention(DataType type, AttentionShape shape, int[] offsets) {
        assumeTrue(kernels.supports(type));
        int tokens = offsets[offsets.length - 1];
        int sequences = offsets.length - 1;
        INDArray q = normal(1, type, tokens, shape.queryWidth());
        INDArray k = normal(2, type, tokens, shape.keyValueWidth());
        INDArray v = normal(3, type, tokens, shape.keyValueWidth());
        Reference reference = new Reference(shape, doubles(q), doubles(k), doubles(v), new double[tokens * shape.queryWidth()],
                offsets);
        int capacity = 400;
        // What lies beyond the filled places must not matter.
        INDArray keyCache = output(type, sequences, capacity, shape.keyValueWidth()).assign(Double.NaN);
        INDArray valueCache = keyCache.dup();
        INDArray result = output(type, tokens, shape.queryWidth());
        int[] done = new int[sequences];
        int[] round = {0};
        while (true) {
            int[] counts = new int[sequences];
            for (int s = 0; s < sequences; s++) {
                int left = offsets[s + 1] - offsets[s] - done[s];
                // A long prompt first, then a token at a time for a while, then the rest.
                counts[s] = Math.min(left, round[0] == 0 ? 150 - 3 * s : round[0] < 4 ? 1 : 1000);
            }
            if (Arrays.stream(counts).sum() == 0) {
                break;
            }
            step(q, k, v, offsets, done, counts, keyCache, valueCache, shape, result);
            for (int s = 0; s < sequences; s++) {
                done[s] += counts[s];
            }
            round[0]++;
        }
        assertClose(reference.out, result, tolerance(type));
    }

    private static void step(INDArray q, INDArray k, INDArray v, int[] offsets, int[] done, int[] counts, INDArray keyCache,
                             INDArray valueCache, AttentionShape shape, INDArray result) {
        int total = Arrays.stream(counts).sum();
        int[] newOffsets = new int[counts.length + 1];
        INDArray newQ = output(q.dataType(), total, shape.queryWidth());
        INDArray newK = output(q.dataType(), total, shape.keyValueWidth());
        INDArray newV = output(q.dataType(), total, shape.keyValueWidth());
        for (int s = 0; s < counts.length; s++) {
            newOffsets[s + 1] = newOffsets[s] + counts[s];
            for (int i = 0; i < counts[s]; i++) {
                newQ.putRow(newOffsets[s] + i, q.getRow(offsets[s] + done[s] + i));
                newK.putRow(newOffsets[s] + i, k.getRow(offsets[s] + done[s] + i));
                newV.putRow(newOffsets[s] + i, v.getRow(offsets[s] + done[s] + i));
            }
        }
        INDArray out = output(q.dataType(), total, shape.queryWidth());
        kernels.cachedAttention(newQ, newK, newV, keyCache, valueCache, integers(done), integers(newOffsets), shape,
                null, out);
        for (int s = 0; s < counts.length; s++) {
            for (int i = 0; i < counts[s]; i++) {
                result.putRow(offsets[s] + done[s] + i, out.getRow(newOffsets[s] + i));
                INDArray cached = keyCache.get(NDArrayIndex.point(s), NDArrayIndex.point(done[s] + i), NDArrayIndex.all());
                assertClose(doubles(newK.getRow(newOffsets[s] + i)), cached, 0);
            }
        }
    }

    /** Attention and its gradients by their formulas, in double. */
    private static final class Reference {
        final double[] out;
        final double[] dq;
        final double[] dk;
        final double[] dv;

        Reference(AttentionShape shape, double[] q, double[] k, double[] v, double[] upstream, int[] offsets) {
            out = new double[q.length];
            dq = new double[q.length];
            dk = new double[k.length];
            dv = new double[v.length];
            int depth = shape.headDimension();
            double scale = 1 / Math.sqrt(depth);
            for (int s = 0; s + 1 < offsets.length; s++) {
                for (int t = offsets[s]; t < offsets[s + 1]; t++) {
                    for (int h = 0; h < shape.heads(); h++) {
                        row(shape, q, k, v, upstream, offsets[s], t, t * shape.queryWidth() + h * depth,
                                h / shape.group() * depth, scale);
                    }
                }
            }
        }

        private void row(AttentionShape shape, double[] q, double[] k, double[] v, double[] upstream, int first, int t,
                         int queryAt, int headAt, double scale) {
            int depth = shape.headDimension();
            int width = shape.keyValueWidth();
            double[] p = new double[t - first + 1];
            double sum = 0;
            for (int s = first; s <= t; s++) {
                double score = 0;
                for (int i = 0; i < depth; i++) {
                    score += q[queryAt + i] * k[s * width + headAt + i];
                }
                p[s - first] = Math.exp(score * scale);
                sum += p[s - first];
            }
            double[] slope = new double[p.length];
            double along = 0;
            for (int s = first; s <= t; s++) {
                p[s - first] /= sum;
                for (int i = 0; i < depth; i++) {
                    out[queryAt + i] += p[s - first] * v[s * width + headAt + i];
                    slope[s - first] += upstream[queryAt + i] * v[s * width + headAt + i];
                    dv[s * width + headAt + i] += p[s - first] * upstream[queryAt + i];
                }
                along += p[s - first] * slope[s - first];
            }
            for (int s = first; s <= t; s++) {
                double scoreGradient = p[s - first] * (slope[s - first] - along) * scale;
                for (int i = 0; i < depth; i++) {
                    dq[queryAt + i] += scoreGradient * k[s * width + headAt + i];
                    dk[s * width + headAt + i] += scoreGradient * q[queryAt + i];
                }
            }
        }
    }
}
