package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.bits;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.op.Activation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Layers over several chunks give the same bits on any number of threads, and let nothing that is not a number pass. */
class LayerLawsTest {
    private static final int TOKENS = 301;
    private static final int HIDDEN = 320;
    private static final int PER_TOKEN = 2;
    private static final int[] OFFSETS = {0, 1, 200, TOKENS};

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void anyNumberOfThreadsGivesTheSameBits(DataType type) {
        List<float[]> expected = null;
        for (int threads : new int[] {1, 2, 3}) {
            try (OneDnnKernels kernels = new OneDnnKernels(threads)) {
                assumeTrue(kernels.supports(type));
                List<float[]> found = results(kernels, type);
                if (expected == null) {
                    expected = found;
                }
                for (int i = 0; i < found.size(); i++) {
                    assertArrayEquals(expected.get(i), found.get(i), "result " + i + " on " + threads + " threads");
                }
            }
        }
    }

    private static List<float[]> results(OneDnnKernels kernels, DataType type) {
        INDArray x = normal(1, type, TOKENS, HIDDEN);
        INDArray other = normal(2, type, TOKENS, HIDDEN);
        INDArray upstream = normal(3, type, TOKENS, HIDDEN);
        INDArray weight = normal(4, type, HIDDEN);
        INDArray bias = normal(5, type, HIDDEN);
        List<INDArray> made = new ArrayList<>();
        INDArray out = made(made, type, TOKENS, HIDDEN);
        kernels.layerNorm(x, weight, bias, 1e-5, out);
        INDArray weightGradient = made(made, DataType.FLOAT, HIDDEN);
        INDArray biasGradient = made(made, DataType.FLOAT, HIDDEN);
        kernels.layerNormGradient(x, weight, 1e-5, upstream, other, made(made, type, TOKENS, HIDDEN), weightGradient,
                biasGradient);
        kernels.rmsNorm(x, weight, true, 1e-5, made(made, type, TOKENS, HIDDEN));
        for (Activation.Kind kind : Activation.Kind.values()) {
            kernels.activation(x, kind, made(made, type, TOKENS, HIDDEN));
            kernels.activationGradient(x, kind, upstream, made(made, type, TOKENS, HIDDEN));
            kernels.gatedActivationGradient(x, other, kind, upstream, made(made, type, TOKENS, HIDDEN),
                    made(made, type, TOKENS, HIDDEN));
        }
        kernels.softCap(x, 1.5, made(made, type, TOKENS, HIDDEN));
        kernels.addRow(x, bias, made(made, type, TOKENS, HIDDEN));
        kernels.columnSums(x, made(made, DataType.FLOAT, HIDDEN));
        kernels.split(x, new int[] {64, 96}, List.of(made(made, type, TOKENS, 128), made(made, type, TOKENS, 192)));
        kernels.meanRows(x, integers(OFFSETS), made(made, type, 3, HIDDEN));
        int rows = TOKENS / PER_TOKEN * PER_TOKEN;
        INDArray y = normal(1, type, rows, HIDDEN);
        INDArray places = integers(IntStream.range(0, rows).map(i -> i * 7 % rows).toArray());
        INDArray shares = normal(6, DataType.FLOAT, rows / PER_TOKEN, PER_TOKEN);
        INDArray sums = made(made, type, rows / PER_TOKEN, HIDDEN);
        kernels.combineRows(y, places, shares, sums);
        kernels.combineRowsGradient(y, places, shares, sums, made(made, type, rows, HIDDEN),
                made(made, DataType.FLOAT, rows / PER_TOKEN, PER_TOKEN));
        kernels.chooseExperts(x, true, integers(new int[TOKENS * PER_TOKEN]),
                made(made, DataType.FLOAT, TOKENS, PER_TOKEN));
        return made.stream().map(Samples::bits).toList();
    }

    private static INDArray made(List<INDArray> made, DataType type, long... shape) {
        INDArray array = output(type, shape);
        made.add(array);
        return array;
    }

    @Test
    void sumsOverRowsAreHeldForFewChunks() {
        for (int rows : new int[] {1, 2047, 2048, 2049, 100_001, Integer.MAX_VALUE}) {
            int perChunk = ColumnTotals.rowsPerChunk(rows, 8);
            assertEquals(0, perChunk % 8);
            assertTrue((rows - 1) / perChunk < 256, rows + " rows in chunks of " + perChunk);
        }
        assertEquals(8, ColumnTotals.rowsPerChunk(2048, 8), "few rows have small chunks");
    }

    @Test
    void sumsOverManyRowsAreThoseOfTheirParts() {
        int rows = 300;
        int width = 32_768;
        INDArray x = normal(1, DataType.FLOAT, rows, width);
        INDArray upstream = normal(2, DataType.FLOAT, rows, width);
        INDArray weight = normal(3, DataType.FLOAT, width);
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            List<INDArray> whole = sums(width);
            addSums(kernels, x, weight, upstream, whole);
            List<INDArray> parts = sums(width);
            for (int from : new int[] {0, 130}) {
                int to = from == 0 ? 130 : rows;
                addSums(kernels, x.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()), weight,
                        upstream.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()), parts);
            }
            for (int i = 0; i < whole.size(); i++) {
                assertClose(doubles(parts.get(i)), whole.get(i), 1e-4);
            }
        }
    }

    private static List<INDArray> sums(int width) {
        return List.of(Nd4j.zeros(DataType.FLOAT, width), Nd4j.zeros(DataType.FLOAT, width),
                Nd4j.zeros(DataType.FLOAT, width));
    }

    private static void addSums(OneDnnKernels kernels, INDArray x, INDArray weight, INDArray upstream, List<INDArray> sums) {
        kernels.columnSums(x, sums.get(0));
        kernels.layerNormGradient(x, weight, 1e-5, upstream, null, null, sums.get(1), sums.get(2));
    }

    @Test
    void whatIsNotANumberStaysSo() {
        try (OneDnnKernels kernels = new OneDnnKernels(1)) {
            for (DataType type : new DataType[] {DataType.FLOAT, DataType.BFLOAT16}) {
                INDArray x = normal(1, type, 1, 40);
                x.putScalar(0, 7, Float.NaN);
                INDArray ones = normal(2, type, 1, 40);
                INDArray out = output(type, 1, 40);
                INDArray weight = normal(3, type, 40);
                for (Activation.Kind kind : Activation.Kind.values()) {
                    kernels.activation(x, kind, out);
                    assertNaN(out, kind);
                    kernels.gatedActivation(x, ones, kind, out);
                    assertNaN(out, kind);
                }
                kernels.softCap(x, 30, out);
                assertNaN(out, "soft cap");
                kernels.layerNorm(x, weight, null, 1e-5, out);
                assertNaN(out, "layer norm");
                kernels.addRow(x, weight, out);
                assertNaN(out, "row");
                INDArray shares = output(DataType.FLOAT, 1, 2);
                kernels.chooseExperts(x, true, integers(0, 0), shares);
                assertTrue(Float.isNaN(bits(shares)[0]) && Float.isNaN(bits(shares)[1]), () -> "shares " + shares);
            }
        }
    }

    private static void assertNaN(INDArray out, Object what) {
        assertTrue(Float.isNaN(bits(out)[7]), () -> what + " of " + out.dataType() + " lost a NaN");
    }
}
