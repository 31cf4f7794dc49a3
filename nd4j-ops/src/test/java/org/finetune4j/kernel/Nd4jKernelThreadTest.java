package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.integers;
import static org.finetune4j.kernel.TestArrays.normal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.Supplier;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.blas.Blas;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** OpenBLAS gives other last bits on other numbers of threads; the portable kernels must not. */
class Nd4jKernelThreadTest {
    private final Kernels kernels = new Nd4jKernels();

    /** Large ones, and ones just below and at the sizes from which on BLAS threads are set. */
    @ParameterizedTest
    @CsvSource({"512, 1024, 700", "64, 64, 64", "64, 64, 63", "1, 96, 96", "1, 96, 95", "1, 9216, 1", "1, 9215, 1",
        "2, 131071, 1", "2, 32767, 4"})
    void matmulGivesTheSameBitsOnAnyNumberOfThreads(int rows, int inner, int columns) {
        INDArray a = normal(1, rows, inner).castTo(DataType.FLOAT);
        INDArray b = normal(2, inner, columns).castTo(DataType.FLOAT);
        assertSameBits(() -> {
            INDArray out = Nd4j.create(DataType.FLOAT, rows, columns);
            kernels.matmul(a, false, b, false, out, 1, false);
            return out;
        });
    }

    @Test
    void attentionGivesTheSameBitsOnAnyNumberOfThreads() {
        AttentionShape shape = new AttentionShape(2, 1, 64);
        INDArray query = normal(1, 300, 128).castTo(DataType.FLOAT);
        INDArray key = normal(2, 300, 64).castTo(DataType.FLOAT);
        assertSameBits(() -> {
            INDArray out = Nd4j.create(DataType.FLOAT, 300, 128);
            kernels.attention(query, key, key, integers(0, 33, 300), shape, null, out,
                    Nd4j.create(DataType.FLOAT, 300, 2));
            return out;
        });
    }

    private static void assertSameBits(Supplier<INDArray> kernel) {
        Blas blas = Nd4j.factory().blas();
        int before = blas.getMaxThreads();
        try {
            blas.setMaxThreads(1);
            float[] one = kernel.get().reshape(-1).toFloatVector();
            blas.setMaxThreads(2);
            float[] two = kernel.get().reshape(-1).toFloatVector();
            assertEquals(2, blas.getMaxThreads(), "threads after the kernel");
            assertArrayEquals(one, two);
        } finally {
            blas.setMaxThreads(before);
        }
    }
}
