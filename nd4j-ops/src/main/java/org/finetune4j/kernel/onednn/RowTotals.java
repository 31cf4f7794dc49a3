package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.bytedeco.dnnl.global.dnnl;

/** Sums over each row of a FLOAT matrix, computed as its product with a column, by one thread. */
final class RowTotals {
    private static final int ONES = 14;

    private RowTotals() {
    }

    /** {@code sums [rows]} of a dense matrix {@code [rows, columns]}. */
    static void run(Worker worker, int rows, int columns, long matrix, long sums) {
        float[] ones = worker.floats(10, columns);
        Arrays.fill(ones, 0, columns, 1);
        long column = worker.buffer(ONES, 4L * columns);
        Memory.write(ones, 0, column, columns);
        run(worker, rows, columns, matrix, column, sums);
    }

    /** {@code sums [rows]} of a dense matrix whose every column is multiplied by a number of {@code weights [columns]}. */
    static void run(Worker worker, int rows, int columns, long matrix, long weights, long sums) {
        new Matmul(rows, 1, columns, columns, 1, 1, 1, 1, dnnl.dnnl_f32, dnnl.dnnl_f32, 1, false)
                .run(worker, matrix, weights, sums);
    }
}
