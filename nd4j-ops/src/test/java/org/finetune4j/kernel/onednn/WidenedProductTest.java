package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.bits;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.bytedeco.dnnl.global.dnnl;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Products of BFLOAT16 as on processors without instructions for it, against sums in DOUBLE of the same numbers. */
class WidenedProductTest {
    private static final DataType BF16 = DataType.BFLOAT16;

    @ParameterizedTest(name = "{0} rows")
    @ValueSource(ints = {1, 2, 3, 4, 7, 32, 33, 100, 128, 129})
    void heldWeightsGiveTheProduct(int rows) {
        INDArray x = normal(1, BF16, rows, 200);
        INDArray weight = normal(2, BF16, 700, 200);
        double[] expected = doubles(wide(x).mmul(wide(weight).transpose()));
        try (OneDnnKernels kernels = OneDnnKernels.withoutBfloat16Instructions(2)) {
            for (DataType type : new DataType[] {BF16, DataType.FLOAT}) {
                assertClose(expected, product(kernels, x, false, weight, true, type, 1), Samples.tolerance(type));
                try (HeldWeights held = kernels.hold(List.of(weight))) {
                    assertEquals(kernels.heldBytes(BF16, 700, 200), held.bytes());
                    assertClose(expected, product(kernels, x, false, weight, true, type, 1), Samples.tolerance(type));
                    INDArray sum = output(type, rows, 700).assign(1);
                    kernels.matmul(x, false, weight, true, sum, 1, true);
                    assertClose(doubles(wide(x).mmul(wide(weight).transpose()).add(1)), sum, Samples.tolerance(type));
                }
            }
        }
    }

    @Test
    void heldWeightsTakeHalfOfWhatFloatsTakeButNothingWithAvx512() {
        int avx512 = dnnl.dnnl_cpu_isa_avx512_core;
        boolean none = (dnnl.dnnl_get_effective_cpu_isa() & avx512) == avx512;
        try (OneDnnKernels kernels = OneDnnKernels.withoutBfloat16Instructions(1)) {
            assertEquals(none ? 0 : kernels.heldBytes(DataType.FLOAT, 1536, 576), 2 * kernels.heldBytes(BF16, 1536, 576));
        }
    }

    /** Sums of several terms and of more columns than a tile has, so that tiles share one FLOAT copy of a first matrix. */
    @ParameterizedTest(name = "[{0}, {1}] by {2} columns")
    @CsvSource({"300, 200, 1600", "77, 33, 1100", "1024, 576, 1536", "5000, 4000, 600"})
    void tilesShareTheirFirstMatrix(int rows, int inner, int columns) {
        INDArray a = normal(3, BF16, rows, inner);
        INDArray b = normal(4, BF16, inner, columns);
        INDArray turned = normal(5, BF16, columns, inner);
        INDArray addend = normal(6, BF16, rows, columns);
        double[] expected = doubles(wide(a).mmul(wide(b)).mul(0.5).add(wide(a).mmul(wide(turned).transpose())).add(wide(addend)));
        float[] bits = null;
        for (int threads : new int[] {1, 2, 3}) {
            try (OneDnnKernels kernels = OneDnnKernels.withoutBfloat16Instructions(threads)) {
                INDArray out = output(BF16, rows, columns);
                kernels.products(List.of(new ProductSum(List.of(new Product(a, false, b, false, 0.5),
                        new Product(a, false, turned, true, 1)), addend, out, false)));
                assertClose(expected, out, Samples.tolerance(BF16));
                assertArrayEquals(bits == null ? bits(out) : bits, bits(out), threads + " threads");
                bits = bits(out);
            }
        }
    }

    @ParameterizedTest(name = "{0} tokens, {1} outputs, {2} inputs")
    @CsvSource({"300, 200, 700", "1024, 576, 1536", "1, 33, 31", "640, 16, 600"})
    void gradientsOfWeightsSumOverTokens(int tokens, int outputs, int inputs) {
        INDArray upstream = normal(7, BF16, tokens, outputs);
        INDArray x = normal(8, BF16, tokens, inputs);
        double[] expected = doubles(wide(upstream).transpose().mmul(wide(x)).mul(2));
        try (OneDnnKernels kernels = OneDnnKernels.withoutBfloat16Instructions(2)) {
            assertClose(expected, product(kernels, upstream, true, x, false, DataType.FLOAT, 2),
                    Samples.tolerance(DataType.FLOAT));
            assertClose(expected, product(kernels, upstream, true, x, false, BF16, 2), Samples.tolerance(BF16));
        }
    }

    private static INDArray product(OneDnnKernels kernels, INDArray a, boolean transposeA, INDArray b, boolean transposeB,
                                    DataType type, double factor) {
        INDArray out = output(type, a.size(transposeA ? 1 : 0), b.size(transposeB ? 0 : 1));
        kernels.matmul(a, transposeA, b, transposeB, out, factor, false);
        return out;
    }

    private static INDArray wide(INDArray numbers) {
        return numbers.castTo(DataType.DOUBLE);
    }
}
