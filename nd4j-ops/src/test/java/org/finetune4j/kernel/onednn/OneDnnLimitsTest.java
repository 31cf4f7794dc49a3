package org.finetune4j.kernel.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.bytedeco.dnnl.global.dnnl;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class OneDnnLimitsTest {
    private static final int ROWS = 5;
    private static final int COLUMNS = 9;
    private static final int INNER = 7;

    @Test
    void whatIsTimedIsAMatrixProduct() {
        float[] a = random(1, ROWS * INNER);
        float[] b = random(2, INNER * COLUMNS);
        float[] expected = new float[ROWS * COLUMNS];
        float[] transposed = new float[b.length];
        for (int c = 0; c < COLUMNS; c++) {
            for (int i = 0; i < INNER; i++) {
                transposed[c * INNER + i] = b[i * COLUMNS + c];
                for (int r = 0; r < ROWS; r++) {
                    expected[r * COLUMNS + c] += a[r * INNER + i] * b[i * COLUMNS + c];
                }
            }
        }
        assertArrayEquals(expected, product(a, b, LimitProduct.Layout.ROWS), 1e-5f);
        assertArrayEquals(expected, product(a, transposed, LimitProduct.Layout.COLUMNS), 1e-5f);
        assertThrows(AssertionError.class,
                () -> assertArrayEquals(expected, product(a, b, LimitProduct.Layout.COLUMNS), 1e-5f));
    }

    private static float[] product(float[] a, float[] b, LimitProduct.Layout layout) {
        LimitProduct product = new LimitProduct(ROWS, COLUMNS, INNER, dnnl.dnnl_f32, dnnl.dnnl_f32, layout);
        float[] out = new float[ROWS * COLUMNS];
        try (Workers workers = new Workers(1); NativeBuffer buffer = new NativeBuffer()) {
            long first = buffer.reserve(4096);
            long second = first + 1024;
            long result = first + 2048;
            Memory.write(a, 0, first, a.length);
            Memory.write(b, 0, second, b.length);
            workers.run(1, (worker, chunk) -> {
                try (Primitive primitive = product.compile(worker)) {
                    primitive.execute(first, second, result);
                }
            });
            Memory.read(result, out, 0, out.length);
        }
        return out;
    }

    private static float[] random(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    @Test
    void limitsAreFoundAndSayHow() {
        try (OneDnnLimits limits = new OneDnnLimits(1)) {
            for (OneDnnLimits.Rate rate : new OneDnnLimits.Rate[] {limits.products(DataType.FLOAT), limits.copying(),
                    limits.reading()}) {
                assertTrue(rate.perSecond() > 1e8 && rate.perSecond() < 1e16, rate.toString());
                assertFalse(rate.way().isBlank() || rate.way().equals("none"), rate.toString());
            }
        }
    }

    @Test
    void otherTypesAreRefused() {
        try (OneDnnLimits limits = new OneDnnLimits(1)) {
            assertThrows(IllegalArgumentException.class, () -> limits.products(DataType.DOUBLE));
        }
    }
}
