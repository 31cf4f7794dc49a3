package org.finetune4j.kernel;

import static org.finetune4j.kernel.CentralDifferences.assertAddedTo;
import static org.finetune4j.kernel.CentralDifferences.assertGradient;
import static org.finetune4j.kernel.TestArrays.indices;
import static org.finetune4j.kernel.TestArrays.integers;
import static org.finetune4j.kernel.TestArrays.normal;
import static org.finetune4j.kernel.TestArrays.spread;
import static org.finetune4j.kernel.TestArrays.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Every gradient kernel of the reference, in double, against central differences of its forward kernel. The objective
 * is the sum of the outputs weighted by a random upstream gradient, which a gradient that ignores it cannot meet.
 */
class KernelGradientTest {
    private final Kernels kernels = new Nd4jKernels();

    @ParameterizedTest
    @CsvSource({"3,4,5,false,false", "1,6,2,true,false", "5,1,3,false,true", "2,8,1,true,true"})
    void matmulGradientsAreMatmuls(int m, int k, int n, boolean transposeA, boolean transposeB) {
        INDArray a = transposeA ? normal(1, k, m) : normal(1, m, k);
        INDArray b = transposeB ? normal(2, n, k) : normal(2, k, n);
        INDArray upstream = normal(3, m, n);
        double alpha = 0.6;
        INDArray aGradient = zeros(a.shape());
        INDArray bGradient = zeros(b.shape());
        if (transposeA) {
            kernels.matmul(b, transposeB, upstream, true, aGradient, alpha, false);
        } else {
            kernels.matmul(upstream, false, b, !transposeB, aGradient, alpha, false);
        }
        if (transposeB) {
            kernels.matmul(upstream, true, a, transposeA, bGradient, alpha, false);
        } else {
            kernels.matmul(a, !transposeA, upstream, false, bGradient, alpha, false);
        }
        Consumer<INDArray> forward = out -> kernels.matmul(a, transposeA, b, transposeB, out, alpha, false);
        assertGradient(a, aGradient, upstream, forward);
        assertGradient(b, bGradient, upstream, forward);
    }

    @ParameterizedTest
    @CsvSource({"1,3,1", "6,3,2", "9,4,5"})
    void embeddingSumsRepeatedIds(int tokens, int vocabulary, int hidden) {
        INDArray ids = integers(indices(1, tokens, vocabulary));
        INDArray table = normal(2, vocabulary, hidden);
        INDArray upstream = normal(3, tokens, hidden);
        INDArray gradient = zeros(vocabulary, hidden);
        kernels.embeddingGradient(ids, upstream, gradient);
        assertGradient(table, gradient, upstream, out -> kernels.embedding(ids, table, out));
    }

    @Test
    void embeddingGradientIsAddedTo() {
        INDArray ids = integers(2, 0, 2);
        INDArray upstream = normal(1, 3, 4);
        assertAddedTo(gradient -> kernels.embeddingGradient(ids, upstream, gradient), 3, 4);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void gatherScattersToItsRows(int count) {
        INDArray x = normal(1, 5, 3);
        INDArray rows = integers(IntStream.range(0, count).map(i -> (3 * i + 2) % 5).toArray());
        INDArray upstream = normal(2, count, 3);
        INDArray gradient = normal(3, 5, 3);
        kernels.gatherRowsGradient(rows, upstream, gradient);
        assertGradient(x, gradient, upstream, out -> kernels.gatherRows(x, rows, out));
    }

    @ParameterizedTest
    @CsvSource({"1,1,1e-2", "1,5,1e-5", "4,6,1e-1", "3,7,0"})
    void rmsNorm(int tokens, int hidden, double epsilon) {
        INDArray x = normal(1, tokens, hidden);
        INDArray weight = normal(2, hidden);
        INDArray upstream = normal(3, tokens, hidden);
        INDArray xGradient = zeros(tokens, hidden);
        INDArray weightGradient = zeros(hidden);
        kernels.rmsNormGradient(x, weight, false, epsilon, upstream, null, xGradient, weightGradient);
        Consumer<INDArray> forward = out -> kernels.rmsNorm(x, weight, false, epsilon, out);
        assertGradient(x, xGradient, upstream, forward);
        assertGradient(weight, weightGradient, upstream, forward);
    }

    @Test
    void rmsNormGradientIsAddedToTheWeightAndSkipsWhatIsNotWanted() {
        INDArray x = normal(1, 4, 6);
        INDArray weight = normal(2, 6);
        INDArray upstream = normal(3, 4, 6);
        assertAddedTo(gradient -> kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, null, null, gradient), 6);
        INDArray alone = zeros(4, 6);
        INDArray both = zeros(4, 6);
        kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, null, alone, null);
        kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, null, both, zeros(6));
        assertEquals(both, alone);
    }

    @ParameterizedTest
    @CsvSource({"1,1,2,false", "5,2,4,false", "5,3,6,true"})
    void rotaryIsUndoneByItsInverseWhichIsItsGradient(int tokens, int heads, int headDimension, boolean inverse) {
        RotaryTable table = new RotaryTable(headDimension, 10000);
        INDArray positions = integers(indices(1, tokens, 4000));
        INDArray x = normal(2, tokens, (long) heads * headDimension);
        assertRotaryGradient(x, positions, table, inverse);

        INDArray there = zeros(x.shape());
        INDArray back = zeros(x.shape());
        kernels.rotary(x, positions, table, inverse, there);
        kernels.rotary(there, positions, table, !inverse, back);
        assertTrue(back.sub(x).norm2Number().doubleValue() < 1e-13, "inverse does not undo rotary");
    }

    @Test
    void gradientsOfPartsOfHeadsAreMagnifiedToo() {
        INDArray positions = integers(indices(1, 5, 4000));
        for (boolean inverse : new boolean[] {false, true}) {
            assertRotaryGradient(normal(2, 5, 14), positions, partial(7), inverse);
            assertRotaryGradient(normal(2, 5, 14), positions, RotaryTable.byLength(7,
                    length -> new double[] {1, 20.0 / length}, 1.4), inverse);
        }
    }

    private void assertRotaryGradient(INDArray x, INDArray positions, RotaryTable table, boolean inverse) {
        INDArray upstream = normal(3, x.shape());
        INDArray gradient = zeros(x.shape());
        kernels.rotary(upstream, positions, table, !inverse, gradient);
        assertGradient(x, gradient, upstream, out -> kernels.rotary(x, positions, table, inverse, out));
    }

    private static RotaryTable partial(int headDimension) {
        return new RotaryTable(headDimension, new double[] {0.3}, 0.7);
    }

    @ParameterizedTest
    @CsvSource({"1,1,2,'0,1',false", "2,2,3,'0,4,5,8',false", "4,2,3,'0,1,7',false", "6,1,2,'0,3,3,4',false",
        "6,2,1,'0,5',false", "1,1,2,'0,3',true", "4,2,4,'0,1,7',true"})
    void attention(int heads, int keyValueHeads, int headDimension, String offsets, boolean turned) {
        assertAttentionGradients(new AttentionShape(heads, keyValueHeads, headDimension), bounds(offsets),
                turned ? new RotaryTable(headDimension, 100) : null);
    }

    @ParameterizedTest
    @CsvSource({"0.7,0,2,true,'0,1,7',false", "0.7,0,1,true,'0,5',false", "0.9,1.5,0,true,'0,2,6',false",
        "1,1.2,3,true,'0,1,7',true", "0.4,0,0,false,'0,3,3,7',true", "2,2.5,0,false,'0,1,6',false"})
    void attentionOfOtherScores(double scale, double softcap, int window, boolean causal, String offsets, boolean turned) {
        AttentionShape shape = new AttentionShape(2, 1, 3).withScores(new AttentionScores(scale, softcap, window, causal));
        assertAttentionGradients(shape, bounds(offsets), turned ? partial(3) : null);
    }

    private static int[] bounds(String offsets) {
        return Arrays.stream(offsets.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    private void assertAttentionGradients(AttentionShape shape, int[] bounds, @Nullable RotaryTable table) {
        int tokens = bounds[bounds.length - 1];
        INDArray offsets = integers(bounds);
        RotaryPositions rotary = table == null ? null : new RotaryPositions(integers(indices(8, tokens, 90)), table);
        INDArray query = normal(1, tokens, shape.queryWidth());
        INDArray key = normal(2, tokens, shape.keyValueWidth());
        INDArray value = normal(3, tokens, shape.keyValueWidth());
        INDArray upstream = normal(4, tokens, shape.queryWidth());
        INDArray out = zeros(query.shape());
        INDArray logSums = zeros(tokens, shape.heads());
        Consumer<INDArray> forward = result -> kernels.attention(query, key, value, offsets, shape, rotary, result,
                logSums.dup());
        kernels.attention(query, key, value, offsets, shape, rotary, out, logSums);
        INDArray queryGradient = normal(5, query.shape());
        INDArray keyGradient = normal(6, key.shape());
        INDArray valueGradient = normal(7, value.shape());
        kernels.attentionGradient(query, key, value, offsets, shape, rotary, out, logSums, upstream, queryGradient,
                keyGradient, valueGradient);
        assertGradient(query, queryGradient, upstream, forward);
        assertGradient(key, keyGradient, upstream, forward);
        assertGradient(value, valueGradient, upstream, forward);
    }

    @Test
    void dropoutIsItsOwnGradient() {
        INDArray x = normal(1, 4, 5);
        INDArray upstream = normal(2, 4, 5);
        INDArray gradient = zeros(4, 5);
        kernels.dropout(upstream, 0.4, 9, gradient);
        assertGradient(x, gradient, upstream, out -> kernels.dropout(x, 0.4, 9, out));
    }

    @ParameterizedTest
    @CsvSource({"1,2", "1,7", "4,5", "3,1"})
    void logProbability(int rows, int vocabulary) {
        INDArray logits = spread(1, 0, 2, rows, vocabulary);
        INDArray labels = integers(indices(2, rows, vocabulary));
        INDArray upstream = normal(3, rows);
        INDArray gradient = zeros(rows, vocabulary);
        kernels.logProbabilityGradient(logits, labels, logSumExps(logits), upstream, null, gradient);
        assertGradient(logits, gradient, upstream,
                out -> kernels.logProbability(logits, labels, logSumExps(logits), out));
    }

    @ParameterizedTest
    @CsvSource({"1,2", "1,7", "4,5", "3,1"})
    void logSumExp(int rows, int vocabulary) {
        INDArray logits = spread(1, 0, 2, rows, vocabulary);
        INDArray upstream = normal(3, rows);
        INDArray gradient = zeros(rows, vocabulary);
        kernels.logSumExpGradient(logits, logSumExps(logits), upstream, null, gradient);
        assertGradient(logits, gradient, upstream, out -> kernels.logSumExp(logits, out));
    }

    @ParameterizedTest
    @CsvSource({"1,2", "1,7", "4,5"})
    void klDivergenceInBothDirections(int rows, int vocabulary) {
        INDArray from = normal(1, rows, vocabulary);
        INDArray to = normal(2, rows, vocabulary);
        INDArray upstream = normal(3, rows);
        INDArray fromGradient = zeros(rows, vocabulary);
        INDArray toGradient = zeros(rows, vocabulary);
        INDArray divergence = zeros(rows);
        Consumer<INDArray> forward = out -> kernels.klDivergence(from, to, logSumExps(from), logSumExps(to), out);
        forward.accept(divergence);
        kernels.klDivergenceFromGradient(from, to, logSumExps(from), logSumExps(to), divergence, upstream, null,
                fromGradient);
        kernels.klDivergenceToGradient(from, to, logSumExps(from), logSumExps(to), upstream, null, toGradient);
        assertGradient(from, fromGradient, upstream, forward);
        assertGradient(to, toGradient, upstream, forward);
    }

    private INDArray logSumExps(INDArray logits) {
        INDArray sums = zeros(logits.size(0));
        kernels.logSumExp(logits, sums);
        return sums;
    }
}
