package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.bits;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Copies of weights for gradients: {@link FewRowsTest} has those for products of few rows. */
class HeldCopiesTest {
    private static final DataType BF16 = DataType.BFLOAT16;
    /** Twice the distance of neighbouring numbers of BFLOAT16 from 1 on. */
    private static final float ROUNDING = 1f / 64;

    private static void assumeBfloat16(OneDnnKernels kernels) {
        Assumptions.assumeTrue(kernels.heldForGradientsBytes(BF16, 64, 64) > 0, "this processor does not multiply bf16");
    }

    /** As in the gradient of two layers with low-rank branches towards their one input, which is then added to. */
    @ParameterizedTest(name = "{0} tokens, {1} outputs, {2} inputs")
    @CsvSource({"512, 1536, 576", "300, 200, 1100", "77, 130, 90", "5, 64, 64", "256, 4096, 448", "1, 33, 31"})
    void copiesDoNotChangeABitButWithAmx(int tokens, int outputs, int inputs) {
        INDArray first = normal(1, BF16, outputs, inputs);
        INDArray second = normal(2, BF16, outputs, inputs);
        INDArray upstream = normal(3, BF16, tokens, outputs);
        INDArray low = normal(4, BF16, tokens, 16);
        INDArray down = normal(5, BF16, 16, inputs);
        INDArray addend = normal(6, BF16, tokens, inputs);
        for (int threads : new int[] {1, 2, 3}) {
            try (OneDnnKernels kernels = new OneDnnKernels(threads)) {
                assumeBfloat16(kernels);
                for (DataType out : new DataType[] {BF16, DataType.FLOAT}) {
                    INDArray start = out == BF16 ? addend : null;
                    float[] plain = bits(sum(kernels, out, start, upstream, first, low, down, second));
                    try (HeldWeights held = kernels.holdForGradients(List.of(first, second))) {
                        assertEquals(2 * kernels.heldForGradientsBytes(BF16, outputs, inputs), held.bytes());
                        assertAlike(kernels, plain, bits(sum(kernels, out, start, upstream, first, low, down, second)), "both held");
                    }
                    try (HeldWeights held = kernels.holdForGradients(List.of(second))) {
                        assertTrue(held.bytes() >= 2L * outputs * inputs);
                        assertAlike(kernels, plain, bits(sum(kernels, out, start, upstream, first, low, down, second)), "one held");
                    }
                }
            }
        }
    }

    private static void assertAlike(OneDnnKernels kernels, float[] plain, float[] held, String what) {
        if (!kernels.amx()) {
            assertArrayEquals(plain, held, what);
            return;
        }
        for (int i = 0; i < plain.length; i++) {
            assertEquals(plain[i], held[i], ROUNDING * Math.max(1, Math.abs(plain[i])), what + ", number " + i);
        }
    }

    private static INDArray sum(OneDnnKernels kernels, DataType type, INDArray addend, INDArray upstream, INDArray first,
                                INDArray low, INDArray down, INDArray second) {
        INDArray out = output(type, upstream.size(0), first.size(1));
        kernels.products(List.of(new ProductSum(List.of(new Product(low, false, down, false, 2),
                new Product(upstream, false, first, false, 1), new Product(upstream, false, second, false, -0.5)), addend, out,
                false)));
        return out;
    }

    @Test
    void copiesAreReadUntilTheyAreClosedAndOnlyAsTheyLie() {
        INDArray upstream = normal(1, BF16, 70, 300);
        INDArray weight = normal(2, BF16, 300, 200);
        INDArray other = normal(3, BF16, 300, 200);
        INDArray x = normal(4, BF16, 70, 200);
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            assumeBfloat16(kernels);
            double[] before = doubles(product(kernels, upstream, weight, false));
            double[] after = doubles(product(kernels, upstream, other, false));
            double[] forward = doubles(product(kernels, x, other, true));
            HeldWeights held = kernels.holdForGradients(List.of(weight));
            weight.assign(other);
            assertClose(before, product(kernels, upstream, weight, false), kernels.amx() ? ROUNDING : 0);
            assertClose(forward, product(kernels, x, weight, true), 0);
            held.close();
            assertClose(after, product(kernels, upstream, weight, false), 0);
            held.close();
        }
    }

    @Test
    void nothingIsKeptOfWhatTheProcessorDoesNotMultiplyAsItIs() {
        try (OneDnnKernels kernels = OneDnnKernels.withoutBfloat16Instructions(2);
                HeldWeights held = kernels.holdForGradients(List.of(normal(1, BF16, 64, 64), normal(2, DataType.FLOAT, 64, 64)))) {
            assertEquals(0, held.bytes());
            assertEquals(0, kernels.heldForGradientsBytes(BF16, 64, 64));
            assertEquals(0, kernels.heldForGradientsBytes(DataType.FLOAT, 64, 64));
        }
    }

    private static INDArray product(OneDnnKernels kernels, INDArray a, INDArray b, boolean transposeB) {
        INDArray out = output(BF16, a.size(0), b.size(transposeB ? 0 : 1));
        kernels.matmul(a, false, b, transposeB, out, 1, false);
        return out;
    }
}
