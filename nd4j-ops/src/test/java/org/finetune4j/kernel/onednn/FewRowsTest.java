package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.assertClose;
import static org.finetune4j.kernel.onednn.Samples.bits;
import static org.finetune4j.kernel.onednn.Samples.doubles;
import static org.finetune4j.kernel.onednn.Samples.normal;
import static org.finetune4j.kernel.onednn.Samples.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.finetune4j.kernel.HeldWeights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

class FewRowsTest {
    private static final int INPUTS = 300;
    private static final int OUTPUTS = 1000;

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void aRowOfHeldWeightsDoesNotDependOnTheOthers(DataType type) {
        INDArray x = normal(1, type, 32, INPUTS);
        INDArray weight = normal(2, type, OUTPUTS, INPUTS);
        try (OneDnnKernels kernels = new OneDnnKernels(2); HeldWeights held = kernels.hold(List.of(weight))) {
            INDArray together = product(kernels, x, weight);
            for (int rows : new int[] {1, 2, 3, 7, 16, 29}) {
                INDArray few = product(kernels, first(x, rows), weight);
                assertArrayEquals(bits(first(together, rows)), bits(few), rows + " rows");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void anyNumberOfThreadsGivesTheSameBits(DataType type) {
        INDArray x = normal(3, type, 5, INPUTS);
        INDArray weight = normal(4, type, OUTPUTS, INPUTS);
        float[] expected = null;
        float[] expectedHeld = null;
        for (int threads : new int[] {1, 2, 3}) {
            try (OneDnnKernels kernels = new OneDnnKernels(threads)) {
                float[] found = bits(product(kernels, x, weight));
                float[] foundHeld;
                try (HeldWeights held = kernels.hold(List.of(weight))) {
                    foundHeld = bits(product(kernels, x, weight));
                }
                assertArrayEquals(expected == null ? found : expected, found);
                assertArrayEquals(expectedHeld == null ? foundHeld : expectedHeld, foundHeld);
                expected = found;
                expectedHeld = foundHeld;
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "BFLOAT16"})
    void copiesAreReadUntilTheyAreClosed(DataType type) {
        INDArray x = normal(5, type, 3, INPUTS);
        INDArray weight = normal(6, type, OUTPUTS, INPUTS);
        INDArray other = normal(7, type, OUTPUTS, INPUTS);
        try (OneDnnKernels kernels = new OneDnnKernels(2)) {
            double[] before = doubles(product(kernels, x, weight));
            double[] after = doubles(product(kernels, x, other));
            HeldWeights held = kernels.hold(List.of(weight));
            assertTrue(held.bytes() >= weight.length() * type.width());
            weight.assign(other);
            assertClose(before, product(kernels, x, weight), Samples.tolerance(type));
            held.close();
            assertClose(after, product(kernels, x, weight), Samples.tolerance(type));
            held.close();
        }
    }

    @Test
    void holdingTwiceCopiesOnceAndOnlyMatricesAreHeld() {
        INDArray weight = normal(8, DataType.FLOAT, OUTPUTS, INPUTS);
        try (OneDnnKernels kernels = new OneDnnKernels(2); HeldWeights held = kernels.hold(List.of(weight))) {
            assertEquals(0, kernels.hold(List.of(weight)).bytes());
            assertThrows(IllegalArgumentException.class,
                    () -> kernels.hold(List.of(normal(9, DataType.FLOAT, 2, 3, 4))));
        }
    }

    private static INDArray product(OneDnnKernels kernels, INDArray x, INDArray weight) {
        INDArray out = output(x.dataType(), x.size(0), weight.size(0));
        kernels.matmul(x, false, weight, true, out, 1, false);
        return out;
    }

    private static INDArray first(INDArray matrix, int rows) {
        return matrix.get(NDArrayIndex.interval(0, rows), NDArrayIndex.all()).dup('c');
    }
}
