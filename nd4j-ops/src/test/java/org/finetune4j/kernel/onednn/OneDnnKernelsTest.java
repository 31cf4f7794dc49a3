package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.finetune4j.kernel.onednn.Samples.shifted;
import static org.finetune4j.kernel.onednn.Samples.tolerance;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.Activation;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class OneDnnKernelsTest {
    private static OneDnnKernels kernels;

    @BeforeAll
    static void open() {
        kernels = new OneDnnKernels(2);
    }

    @AfterAll
    static void close() {
        kernels.close();
    }

    @Test
    void supportsTheTypesOfItsKernels() {
        assertTrue(kernels.supports(DataType.FLOAT));
        assertFalse(kernels.supports(DataType.DOUBLE));
        assertEquals("onednn", kernels.name());
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "1,64,48", "3,5,7", "17,8,33", "37,300,8", "300,16,20", "331,70,515", "8,333,577", "5,1027,600"})
    void matmulIsTheSumOfProducts(int m, int k, int n) {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.BFLOAT16}) {
            for (int form = 0; form < 8 && kernels.supports(type); form++) {
                boolean transposeA = (form & 1) != 0;
                boolean transposeB = (form & 2) != 0;
                boolean accumulate = (form & 4) != 0;
                INDArray a = normal(1, type, transposeA ? k : m, transposeA ? m : k);
                INDArray b = normal(2, type, transposeB ? n : k, transposeB ? k : n);
                double alpha = form < 6 ? 0.75 : 1;
                for (DataType outType : new DataType[] {DataType.FLOAT, type}) {
                    INDArray out = normal(3, outType, m, n);
                    double[] expected = product(doubles(a), transposeA, doubles(b), transposeB, m, k, n);
                    double[] before = doubles(out);
                    for (int i = 0; i < expected.length; i++) {
                        expected[i] = alpha * expected[i] + (accumulate ? before[i] : 0);
                    }
                    kernels.matmul(a, transposeA, b, transposeB, out, alpha, accumulate);
                    assertClose(expected, out, tolerance(outType));
                }
            }
        }
    }

    private static double[] product(double[] a, boolean transposeA, double[] b, boolean transposeB, int m, int k, int n) {
        double[] out = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int l = 0; l < k; l++) {
                double x = a[transposeA ? l * m + i : i * k + l];
                for (int j = 0; j < n; j++) {
                    out[i * n + j] += x * b[transposeB ? j * k + l : l * n + j];
                }
            }
        }
        return out;
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void viewsAreReadAndWrittenInPlace(DataType type) {
        assumeTrue(kernels.supports(type));
        INDArray a = normal(1, type, 5, 12);
        INDArray b = normal(2, type, 12, 9);
        INDArray out = shifted(output(type, 5, 9));
        kernels.matmul(shifted(a), false, shifted(b), false, out, 1, false);
        assertClose(product(doubles(a), false, doubles(b), false, 5, 12, 9), out, tolerance(type));
        INDArray doubled = shifted(output(type, 5, 12));
        kernels.add(shifted(a), shifted(a), doubled);
        assertClose(doubles(a.mul(2)), doubled, 0);
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void rowsAreGatheredScatteredAndAdded(DataType type) {
        INDArray table = normal(1, type, 11, 131);
        INDArray out = output(type, 4, 131);
        kernels.embedding(integers(3, 10, 3, 0), table, out);
        for (int r = 0; r < 4; r++) {
            assertArrayEquals(doubles(table.getRow(new int[] {3, 10, 3, 0}[r])), doubles(out.getRow(r)));
        }
        kernels.gatherRows(table, integers(9, 1, 0, 4), out);
        assertArrayEquals(doubles(table.getRow(9)), doubles(out.getRow(0)));
        assertArrayEquals(doubles(table.getRow(4)), doubles(out.getRow(3)));

        INDArray spread = output(type, 11, 131);
        kernels.gatherRowsGradient(integers(9, 1, 0, 4), out, spread);
        for (int r = 0; r < 11; r++) {
            double[] expected = r == 9 || r == 1 || r == 0 || r == 4 ? doubles(table.getRow(r)) : new double[131];
            assertArrayEquals(expected, doubles(spread.getRow(r)));
        }

        INDArray gradient = normal(2, DataType.FLOAT, 11, 131);
        double[] expected = doubles(gradient);
        double[] added = doubles(out);
        int[] ids = {5, 0, 5, 5};
        for (int t = 0; t < 4; t++) {
            for (int i = 0; i < 131; i++) {
                expected[ids[t] * 131 + i] += added[t * 131 + i];
            }
        }
        kernels.embeddingGradient(integers(ids), out, gradient);
        assertClose(expected, gradient, 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,1,1", "FLOAT,7,33", "FLOAT,600,576", "BFLOAT16,1,1", "BFLOAT16,7,33", "BFLOAT16,600,576"})
    void rmsNormAndItsGradient(DataType type, int tokens, int hidden) {
        INDArray x = normal(1, type, tokens, hidden);
        INDArray upstream = normal(3, type, tokens, hidden);
        for (DataType weightType : new DataType[] {DataType.FLOAT, type}) {
            INDArray weight = normal(2, weightType, hidden);
            double[] xs = doubles(x);
            double[] ws = doubles(weight);
            double[] gs = doubles(upstream);
            INDArray weightGradient = normal(4, DataType.FLOAT, hidden);
            double[] expected = new double[xs.length];
            double[] expectedInput = new double[xs.length];
            double[] expectedWeight = doubles(weightGradient);
            for (int t = 0; t < tokens; t++) {
                double squares = 0;
                double along = 0;
                for (int i = t * hidden; i < (t + 1) * hidden; i++) {
                    squares += xs[i] * xs[i];
                    along += gs[i] * ws[i % hidden] * xs[i];
                }
                double r = 1 / Math.sqrt(squares / hidden + 1e-5);
                for (int i = t * hidden; i < (t + 1) * hidden; i++) {
                    expected[i] = ws[i % hidden] * xs[i] * r;
                    expectedInput[i] = r * gs[i] * ws[i % hidden] - xs[i] * r * r * r * along / hidden;
                    expectedWeight[i % hidden] += gs[i] * xs[i] * r;
                }
            }
            INDArray out = output(type, tokens, hidden);
            kernels.rmsNorm(x, weight, false, 1e-5, out);
            assertClose(expected, out, tolerance(type));
            INDArray inputGradient = output(type, tokens, hidden);
            kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, null, inputGradient, weightGradient);
            assertClose(expectedInput, inputGradient, hidden == 1 ? 1 : tolerance(type));
            assertClose(expectedWeight, weightGradient, 1e-5);
            kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, null, null, null);
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,2", "FLOAT,6", "FLOAT,64", "BFLOAT16,2", "BFLOAT16,6", "BFLOAT16,64"})
    void rotaryTurnsPairsAndItsInverseTurnsBack(DataType type, int headDimension) {
        int heads = 3;
        RotaryTable table = new RotaryTable(headDimension, 10_000);
        int[] positions = {0, 1, 2, 700, 3};
        INDArray x = normal(1, type, 5, heads * headDimension);
        double[] xs = doubles(x);
        for (boolean inverse : new boolean[] {false, true}) {
            double[] expected = new double[xs.length];
            int half = headDimension / 2;
            for (int t = 0; t < 5; t++) {
                for (int h = 0; h < heads; h++) {
                    for (int i = 0; i < half; i++) {
                        int first = (t * heads + h) * headDimension + i;
                        double angle = positions[t] * table.angles(positions).frequency(i) * (inverse ? -1 : 1);
                        expected[first] = xs[first] * Math.cos(angle) - xs[first + half] * Math.sin(angle);
                        expected[first + half] = xs[first + half] * Math.cos(angle) + xs[first] * Math.sin(angle);
                    }
                }
            }
            INDArray out = output(type, 5, heads * headDimension);
            kernels.rotary(x, integers(positions), table, inverse, out);
            assertClose(expected, out, tolerance(type));
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT,1", "FLOAT,13", "FLOAT,70000", "BFLOAT16,1", "BFLOAT16,13", "BFLOAT16,70001"})
    void swigluSumsScalesAndSquares(DataType type, int count) {
        INDArray gate = normal(1, type, count).muli(4);
        INDArray up = normal(2, type, count);
        INDArray upstream = normal(3, type, count);
        double[] g = doubles(gate);
        double[] u = doubles(up);
        double[] o = doubles(upstream);
        double[] out = new double[count];
        double[] gateGradient = new double[count];
        double[] upGradient = new double[count];
        double[] sum = new double[count];
        double[] scaled = new double[count];
        double squares = 0;
        for (int i = 0; i < count; i++) {
            double sigmoid = 1 / (1 + Math.exp(-g[i]));
            out[i] = g[i] * sigmoid * u[i];
            gateGradient[i] = o[i] * u[i] * sigmoid * (1 + g[i] * (1 - sigmoid));
            upGradient[i] = o[i] * g[i] * sigmoid;
            sum[i] = g[i] + u[i];
            scaled[i] = -1.5 * g[i];
            squares += g[i] * g[i];
        }
        INDArray result = output(type, count);
        kernels.gatedActivation(gate, up, Activation.Kind.SILU, result);
        assertClose(out, result, tolerance(type));
        INDArray second = output(type, count);
        kernels.gatedActivationGradient(gate, up, Activation.Kind.SILU, upstream, result, second);
        assertClose(gateGradient, result, tolerance(type));
        assertClose(upGradient, second, tolerance(type));
        kernels.add(gate, up, result);
        assertClose(sum, result, tolerance(type));
        for (DataType outType : new DataType[] {DataType.FLOAT, DataType.BFLOAT16}) {
            INDArray cast = output(outType, count);
            kernels.scale(gate, -1.5, cast);
            assertClose(scaled, cast, tolerance(outType));
        }
        assertEquals(squares, kernels.squaredNorm(gate), 1e-10 * squares);
        kernels.add(gate, up, gate);
        assertClose(sum, gate, tolerance(type));
    }

    @Test
    void conversionRoundsToNearestEvenAndKeepsWhatIsNotFinite() {
        float[] values = {1, 1.00390625f, 1.01171875f, -1.00390625f, 3.4e38f, 1e-40f, Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY, Float.NaN, Float.intBitsToFloat(0x7fffffff), Float.intBitsToFloat(0xffffffff)};
        INDArray halved = output(DataType.BFLOAT16, values.length);
        kernels.scale(Nd4j.createFromArray(values), 1, halved);
        INDArray back = output(DataType.FLOAT, values.length);
        kernels.scale(halved, 1, back);
        float[] found = back.data().asFloat();
        assertArrayEquals(new float[] {1, 1, 1.015625f, -1, Float.POSITIVE_INFINITY}, java.util.Arrays.copyOf(found, 5));
        assertEquals(1e-40, found[5], 1e-40);
        assertEquals(Float.POSITIVE_INFINITY, found[6]);
        assertEquals(Float.NEGATIVE_INFINITY, found[7]);
        assertTrue(Float.isNaN(found[8]) && Float.isNaN(found[9]) && Float.isNaN(found[10]));
        for (int i = 0; i < values.length; i++) {
            boolean finite = i < 6;
            assertEquals(finite, kernels.isFinite(Nd4j.createFromArray(0f, values[i], 1f)), "value " + i + " as FLOAT");
            assertEquals(finite && i != 4, kernels.isFinite(halved.get(NDArrayIndex.interval(i, i + 1))), "as BFLOAT16, " + i);
        }
        kernels.add(halved, halved, halved);
        kernels.scale(halved, 1, back);
        assertTrue(Float.isNaN(back.getFloat(8)));
        kernels.gatedActivation(halved, halved, Activation.Kind.SILU, halved.dup());
    }

    @Test
    void whatIsNotFiniteStaysSo() {
        INDArray logits = normal(1, DataType.FLOAT, 3, 5000);
        logits.putScalar(0, 4000, Float.NaN);
        logits.putScalar(1, 3, Float.POSITIVE_INFINITY);
        INDArray sums = output(DataType.FLOAT, 3);
        kernels.logSumExp(logits, sums);
        INDArray out = output(DataType.FLOAT, 3);
        kernels.logProbability(logits, integers(1, 2, 3), sums, out);
        assertTrue(Float.isNaN(sums.getFloat(0)) && Float.isNaN(out.getFloat(0)));
        assertFalse(Float.isFinite(out.getFloat(1)));
        assertTrue(Float.isFinite(out.getFloat(2)));
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.BFLOAT16}) {
            INDArray gradient = output(type, 3, 5000);
            kernels.logProbabilityGradient(logits, integers(1, 2, 3), sums,
                    Nd4j.createFromArray(1f, 1f, Float.NaN), null,
                    gradient);
            assertTrue(Float.isNaN(gradient.getFloat(0, 7)) && Float.isNaN(gradient.getFloat(1, 7))
                    && Float.isNaN(gradient.getFloat(2, 7)));
        }
        INDArray gate = Nd4j.createFromArray(Float.NaN, 1f);
        INDArray result = output(DataType.FLOAT, 2);
        kernels.gatedActivation(gate, gate, Activation.Kind.SILU, result);
        assertTrue(Float.isNaN(result.getFloat(0)));
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void dropoutFollowsTheCounter(DataType type) {
        INDArray x = normal(1, type, 40_001);
        INDArray out = output(type, 40_001);
        kernels.dropout(x, 0.3, 99, out);
        double[] expected = doubles(x);
        for (int i = 0; i < expected.length; i++) {
            expected[i] = CounterRandom.uniform(99, i) >= 0.3 ? expected[i] / 0.7 : 0;
        }
        assertClose(expected, out, tolerance(type));
    }

    @ParameterizedTest
    @CsvSource({"1,1", "5,7", "3,1000", "4,5003"})
    void distributionsAndTheirGradients(int rows, int vocabulary) {
        INDArray from = normal(1, DataType.FLOAT, rows, vocabulary).muli(3);
        INDArray to = normal(2, DataType.FLOAT, rows, vocabulary).muli(3).addi(50);
        INDArray upstream = normal(3, DataType.FLOAT, rows);
        int[] labels = new int[rows];
        double[] f = doubles(from);
        double[] t = doubles(to);
        double[] g = doubles(upstream);
        double[] sums = new double[rows];
        double[] chosen = new double[rows];
        double[] divergences = new double[rows];
        double[] sumGradient = new double[f.length];
        double[] chosenGradient = new double[f.length];
        double[] fromGradient = new double[f.length];
        double[] toGradient = new double[f.length];
        for (int r = 0; r < rows; r++) {
            labels[r] = r * 1237 % vocabulary;
            double logF = logSumExp(f, r, vocabulary);
            double logT = logSumExp(t, r, vocabulary);
            sums[r] = logF;
            chosen[r] = f[r * vocabulary + labels[r]] - logF;
            for (int i = r * vocabulary; i < (r + 1) * vocabulary; i++) {
                divergences[r] += Math.exp(f[i] - logF) * (f[i] - logF - t[i] + logT);
            }
            for (int i = r * vocabulary; i < (r + 1) * vocabulary; i++) {
                double p = Math.exp(f[i] - logF);
                double q = Math.exp(t[i] - logT);
                sumGradient[i] = g[r] * p;
                chosenGradient[i] = g[r] * ((i == r * vocabulary + labels[r] ? 1 : 0) - p);
                toGradient[i] = g[r] * (q - p);
                fromGradient[i] = g[r] * p * (f[i] - logF - t[i] + logT - divergences[r]);
            }
        }
        INDArray perRow = output(DataType.FLOAT, rows);
        INDArray gradient = output(DataType.FLOAT, rows, vocabulary);
        double rounding = vocabulary == 1 ? 1 : 1e-5;
        INDArray fromSums = output(DataType.FLOAT, rows);
        INDArray toSums = output(DataType.FLOAT, rows);
        kernels.logSumExp(from, fromSums);
        kernels.logSumExp(to, toSums);
        assertClose(sums, fromSums, 1e-5);
        kernels.logSumExpGradient(from, fromSums, upstream, null, gradient);
        assertClose(sumGradient, gradient, 1e-5);
        kernels.logProbability(from, integers(labels), fromSums, perRow);
        assertClose(chosen, perRow, 1e-5);
        kernels.logProbabilityGradient(from, integers(labels), fromSums, upstream, null, gradient);
        assertClose(chosenGradient, gradient, rounding);
        kernels.klDivergence(from, to, fromSums, toSums, perRow);
        assertClose(divergences, perRow, 1e-5);
        kernels.klDivergenceFromGradient(from, to, fromSums, toSums, perRow, upstream, null, gradient);
        assertClose(fromGradient, gradient, rounding);
        kernels.klDivergenceToGradient(from, to, fromSums, toSums, upstream, null, gradient);
        assertClose(toGradient, gradient, rounding);
        kernels.klDivergence(from, from, fromSums, fromSums, perRow);
        assertArrayEquals(new double[rows], doubles(perRow));
    }

    private static double logSumExp(double[] values, int row, int count) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = row * count; i < (row + 1) * count; i++) {
            max = Math.max(max, values[i]);
        }
        double sum = 0;
        for (int i = row * count; i < (row + 1) * count; i++) {
            sum += Math.exp(values[i] - max);
        }
        return max + Math.log(sum);
    }

    @Test
    void adamWFollowsItsFormula() {
        int count = 5001;
        INDArray w = normal(1, DataType.FLOAT, count);
        INDArray m = normal(2, DataType.FLOAT, count);
        INDArray v = normal(3, DataType.FLOAT, count);
        v.muli(v);
        double[] ws = doubles(w);
        double[] ms = doubles(m);
        double[] vs = doubles(v);
        for (int step = 1; step <= 3; step++) {
            INDArray gradient = normal(10 + step, DataType.FLOAT, count);
            double[] gs = doubles(gradient);
            for (int i = 0; i < count; i++) {
                double g = 0.25 * gs[i];
                ms[i] = 0.9 * ms[i] + 0.1 * g;
                vs[i] = 0.95 * vs[i] + 0.05 * g * g;
                ws[i] -= 0.01 * (0.1 * ws[i] + ms[i] / (1 - Math.pow(0.9, step))
                        / (Math.sqrt(vs[i] / (1 - Math.pow(0.95, step))) + 1e-8));
            }
            kernels.adamW(w, gradient, m, v, new AdamWStep(0.01, 0.9, 0.95, 1e-8, 0.1, step, 0.25));
        }
        assertClose(ws, w, 1e-5);
        assertClose(ms, m, 1e-5);
        assertClose(vs, v, 1e-5);
    }
}
