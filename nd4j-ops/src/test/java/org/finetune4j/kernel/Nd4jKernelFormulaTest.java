package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.indices;
import static org.finetune4j.kernel.TestArrays.integers;
import static org.finetune4j.kernel.TestArrays.normal;
import static org.finetune4j.kernel.TestArrays.spread;
import static org.finetune4j.kernel.TestArrays.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.op.Activation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The reference itself against its formulas written as loops over numbers. */
class Nd4jKernelFormulaTest {
    private static final double TOLERANCE = 1e-12;

    private final Kernels kernels = new Nd4jKernels();

    @Test
    void matmulSumsProductsOverTheInnerDimension() {
        int m = 5;
        int k = 7;
        int n = 3;
        for (boolean transposeA : new boolean[] {false, true}) {
            for (boolean transposeB : new boolean[] {false, true}) {
                for (boolean accumulate : new boolean[] {false, true}) {
                    INDArray a = transposeA ? normal(1, k, m) : normal(1, m, k);
                    INDArray b = transposeB ? normal(2, n, k) : normal(2, k, n);
                    INDArray out = normal(3, m, n);
                    INDArray before = out.dup();
                    kernels.matmul(a, transposeA, b, transposeB, out, -0.7, accumulate);
                    for (int i = 0; i < m; i++) {
                        for (int j = 0; j < n; j++) {
                            double sum = 0;
                            for (int l = 0; l < k; l++) {
                                sum += (transposeA ? a.getDouble(l, i) : a.getDouble(i, l))
                                        * (transposeB ? b.getDouble(j, l) : b.getDouble(l, j));
                            }
                            double expected = -0.7 * sum + (accumulate ? before.getDouble(i, j) : 0);
                            assertEquals(expected, out.getDouble(i, j), TOLERANCE);
                        }
                    }
                }
            }
        }
    }

    @Test
    void embeddingAndGatherTakeRows() {
        int[] ids = {3, 0, 3, 8};
        INDArray table = normal(1, 9, 5);
        INDArray out = zeros(4, 5);
        kernels.embedding(integers(ids), table, out);
        INDArray gathered = zeros(2, 5);
        kernels.gatherRows(table, integers(7, 2), gathered);
        for (int i = 0; i < 5; i++) {
            for (int t = 0; t < ids.length; t++) {
                assertEquals(table.getDouble(ids[t], i), out.getDouble(t, i));
            }
            assertEquals(table.getDouble(7, i), gathered.getDouble(0, i));
            assertEquals(table.getDouble(2, i), gathered.getDouble(1, i));
        }
    }

    @Test
    void rmsNormDividesByTheRootMeanSquare() {
        INDArray x = spread(1, 0, 0.01, 4, 6);
        INDArray weight = normal(2, 6);
        INDArray out = zeros(4, 6);
        kernels.rmsNorm(x, weight, false, 1e-5, out);
        for (int t = 0; t < 4; t++) {
            double squares = 0;
            for (int i = 0; i < 6; i++) {
                squares += x.getDouble(t, i) * x.getDouble(t, i);
            }
            double root = Math.sqrt(squares / 6 + 1e-5);
            for (int i = 0; i < 6; i++) {
                assertEquals(weight.getDouble(i) * x.getDouble(t, i) / root, out.getDouble(t, i), TOLERANCE);
            }
        }
    }

    @Test
    void rotaryTurnsPairsHalfAHeadApart() {
        int pairs = 3;
        int[] positions = {0, 1, 2, 0, 5000};
        RotaryTable table = new RotaryTable(2 * pairs, 10000);
        INDArray x = normal(1, 5, 2 * 2 * pairs);
        INDArray out = zeros(5, 12);
        kernels.rotary(x, integers(positions), table, false, out);
        for (int t = 0; t < 5; t++) {
            for (int head = 0; head < 2; head++) {
                for (int i = 0; i < pairs; i++) {
                    double angle = positions[t] * Math.pow(10000, -2.0 * i / 6);
                    double a = x.getDouble(t, head * 6 + i);
                    double b = x.getDouble(t, head * 6 + i + pairs);
                    assertEquals(a * Math.cos(angle) - b * Math.sin(angle), out.getDouble(t, head * 6 + i), TOLERANCE);
                    assertEquals(b * Math.cos(angle) + a * Math.sin(angle), out.getDouble(t, head * 6 + i + pairs),
                            TOLERANCE);
                }
            }
        }
    }

    @Test
    void rotaryLeavesTheRestOfAHead() {
        int[] positions = {0, 3, 70};
        RotaryTable table = RotaryTable.byLength(7, length -> new double[] {1, 10.0 / length}, 1.7);
        INDArray x = normal(1, 3, 14);
        INDArray out = zeros(3, 14);
        kernels.rotary(x, integers(positions), table, false, out);
        for (int t = 0; t < 3; t++) {
            for (int head = 0; head < 14; head += 7) {
                for (int i = 0; i < 2; i++) {
                    double angle = positions[t] * (i == 0 ? 1 : 10.0 / 71);
                    double a = x.getDouble(t, head + i);
                    double b = x.getDouble(t, head + i + 2);
                    assertEquals(1.7 * (a * Math.cos(angle) - b * Math.sin(angle)), out.getDouble(t, head + i), TOLERANCE);
                    assertEquals(1.7 * (b * Math.cos(angle) + a * Math.sin(angle)), out.getDouble(t, head + i + 2),
                            TOLERANCE);
                }
                for (int i = 4; i < 7; i++) {
                    assertEquals(x.getDouble(t, head + i), out.getDouble(t, head + i));
                }
            }
        }
    }

    static Stream<AttentionShape> attentionIsItsDefinition() {
        AttentionShape shape = new AttentionShape(6, 2, 4);
        return Stream.of(shape, shape.withScores(new AttentionScores(0.9, 0, 2, true)),
                shape.withScores(new AttentionScores(0.9, 1.3, 0, true)),
                shape.withScores(new AttentionScores(0.3, 2, 3, true)),
                shape.withScores(new AttentionScores(0.6, 0, 0, false)));
    }

    @ParameterizedTest
    @MethodSource
    void attentionIsItsDefinition(AttentionShape shape) {
        INDArray offsets = integers(0, 1, 6, 6, 9);
        INDArray query = normal(1, 9, 24);
        INDArray key = normal(2, 9, 8);
        INDArray value = normal(3, 9, 8);
        INDArray out = zeros(9, 24);
        INDArray expected = zeros(9, 24);
        INDArray logSums = zeros(9, 6);
        kernels.attention(query, key, value, offsets, shape, null, out, logSums);
        PlainAttention.right().forward(query, key, value, offsets, shape, expected);
        assertClose(expected, out);

        INDArray outGradient = normal(4, 9, 24);
        INDArray[] actual = {zeros(9, 24), zeros(9, 8), zeros(9, 8)};
        INDArray[] plain = {zeros(9, 24), zeros(9, 8), zeros(9, 8)};
        kernels.attentionGradient(query, key, value, offsets, shape, null, out, logSums, outGradient, actual[0],
                actual[1], actual[2]);
        PlainAttention.right().backward(query, key, value, offsets, shape, outGradient, plain[0], plain[1], plain[2]);
        for (int i = 0; i < 3; i++) {
            assertClose(plain[i], actual[i]);
        }
    }

    @Test
    void cachedAttentionFillsTheCacheAndSeesThePast() {
        cachedAttentionIsAttention(new AttentionShape(4, 2, 3));
    }

    @Test
    void cachedAttentionSeesAWindowOfThePast() {
        cachedAttentionIsAttention(new AttentionShape(4, 2, 3).withScores(new AttentionScores(0.8, 1.6, 2, true)));
    }

    private void cachedAttentionIsAttention(AttentionShape shape) {
        INDArray whole = integers(0, 5, 9);
        INDArray query = normal(1, 9, 12);
        INDArray key = normal(2, 9, 6);
        INDArray value = normal(3, 9, 6);
        INDArray expected = zeros(9, 12);
        PlainAttention.right().forward(query, key, value, whole, shape, expected);

        INDArray keyCache = normal(4, 2, 7, 6);
        INDArray valueCache = normal(5, 2, 7, 6);
        INDArray untouched = keyCache.dup();
        int[][] first = {{0, 1, 2, 5}, {3, 4, 6, 7, 8}};
        int[][] offsets = {{0, 3, 4}, {0, 2, 5}};
        int[][] lengths = {{0, 0}, {3, 1}};
        for (int step = 0; step < 2; step++) {
            int[] rows = first[step];
            INDArray out = zeros(rows.length, 12);
            kernels.cachedAttention(rows(query, rows), rows(key, rows), rows(value, rows), keyCache, valueCache,
                    integers(lengths[step]), integers(offsets[step]), shape, null, out);
            assertClose(rows(expected, rows), out);
        }
        for (int i = 0; i < 6; i++) {
            for (int s = 0; s < 7; s++) {
                assertEquals(s < 5 ? key.getDouble(s, i) : untouched.getDouble(0, s, i), keyCache.getDouble(0, s, i));
                assertEquals(s < 4 ? key.getDouble(5 + s, i) : untouched.getDouble(1, s, i),
                        keyCache.getDouble(1, s, i));
            }
        }
    }

    @Test
    void elementWiseKernelsAreTheirFormulas() {
        INDArray a = normal(1, 3, 5);
        INDArray b = normal(2, 3, 5);
        INDArray out = zeros(3, 5);
        kernels.gatedActivation(a, b, Activation.Kind.SILU, out);
        assertEach(out, i -> a.getDouble(i) / (1 + Math.exp(-a.getDouble(i))) * b.getDouble(i));
        kernels.add(a, b, out);
        assertEach(out, i -> a.getDouble(i) + b.getDouble(i));
        kernels.scale(a, -2.5, out);
        assertEach(out, i -> -2.5 * a.getDouble(i));
        kernels.dropout(a, 0.3, 17, out);
        assertEach(out, i -> CounterRandom.uniform(17, i) >= 0.3 ? a.getDouble(i) / 0.7 : 0);
        double squares = 0;
        for (int i = 0; i < 15; i++) {
            squares += a.getDouble(i) * a.getDouble(i);
        }
        assertEquals(squares, kernels.squaredNorm(a), TOLERANCE * squares);
    }

    @Test
    void distributionsAreTheirFormulas() {
        INDArray from = normal(1, 4, 7);
        INDArray to = normal(2, 4, 7);
        int[] labels = indices(3, 4, 7);
        INDArray logProbability = zeros(4);
        INDArray logSumExp = zeros(4);
        INDArray divergence = zeros(4);
        INDArray toLogSumExp = zeros(4);
        kernels.logSumExp(from, logSumExp);
        kernels.logSumExp(to, toLogSumExp);
        kernels.logProbability(from, integers(labels), logSumExp, logProbability);
        kernels.klDivergence(from, to, logSumExp, toLogSumExp, divergence);
        for (int c = 0; c < 4; c++) {
            double fromSum = 0;
            double toSum = 0;
            for (int v = 0; v < 7; v++) {
                fromSum += Math.exp(from.getDouble(c, v));
                toSum += Math.exp(to.getDouble(c, v));
            }
            double expected = 0;
            for (int v = 0; v < 7; v++) {
                double p = Math.exp(from.getDouble(c, v)) / fromSum;
                double q = Math.exp(to.getDouble(c, v)) / toSum;
                expected += p * Math.log(p / q);
            }
            assertEquals(Math.log(fromSum), logSumExp.getDouble(c), TOLERANCE);
            assertEquals(from.getDouble(c, labels[c]) - Math.log(fromSum), logProbability.getDouble(c), TOLERANCE);
            assertEquals(expected, divergence.getDouble(c), TOLERANCE);
        }
    }

    @Test
    void adamWIsDecoupledAndCorrectsItsMoments() {
        INDArray w = normal(1, 11);
        INDArray g = normal(2, 11);
        INDArray m = normal(3, 11);
        INDArray v = normal(4, 11);
        v.muli(v);
        INDArray[] before = {w.dup(), m.dup(), v.dup()};
        kernels.adamW(w, g, m, v, new AdamWStep(0.01, 0.9, 0.95, 1e-3, 0.1, 3, 0.5));
        for (int i = 0; i < 11; i++) {
            double gradient = 0.5 * g.getDouble(i);
            double first = 0.9 * before[1].getDouble(i) + 0.1 * gradient;
            double second = 0.95 * before[2].getDouble(i) + 0.05 * gradient * gradient;
            double direction = first / (1 - 0.9 * 0.9 * 0.9) / (Math.sqrt(second / (1 - 0.95 * 0.95 * 0.95)) + 1e-3);
            double weight = before[0].getDouble(i);
            assertEquals(first, m.getDouble(i), TOLERANCE);
            assertEquals(second, v.getDouble(i), TOLERANCE);
            assertEquals(weight - 0.01 * (0.1 * weight + direction), w.getDouble(i), TOLERANCE);
        }
    }

    private static INDArray rows(INDArray matrix, int... places) {
        INDArray rows = zeros(places.length, matrix.size(1));
        for (int r = 0; r < places.length; r++) {
            for (int i = 0; i < matrix.size(1); i++) {
                rows.putScalar(r, i, matrix.getDouble(places[r], i));
            }
        }
        return rows;
    }

    private static void assertEach(INDArray actual, IntToDoubleFunction expected) {
        for (int i = 0; i < actual.length(); i++) {
            assertEquals(expected.applyAsDouble(i), actual.getDouble(i), TOLERANCE);
        }
    }

    private static void assertClose(INDArray expected, INDArray actual) {
        assertEach(actual, i -> expected.getDouble(i));
    }
}
