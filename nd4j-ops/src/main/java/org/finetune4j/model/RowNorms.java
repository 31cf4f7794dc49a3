package org.finetune4j.model;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Norms of the rows of a weight, summed in double. */
final class RowNorms {
    private static final long BLOCK_ELEMENTS = 1 << 20;

    private RowNorms() {
    }

    /**
     * The squared Euclidean norm of every row.
     *
     * @param weight {@code [outputs, inputs]}
     * @param scales what the rows of a weight of bytes are multiplied by, {@code [outputs]}, or null
     */
    static double[] squared(INDArray weight, @Nullable INDArray scales) {
        int rows = Math.toIntExact(weight.size(0));
        int step = (int) Math.max(1, Math.min(rows, BLOCK_ELEMENTS / weight.size(1)));
        double[] squares = new double[rows];
        for (int first = 0; first < rows; first += step) {
            int count = Math.min(step, rows - first);
            INDArray block = weight.get(NDArrayIndex.interval(first, first + count), NDArrayIndex.all())
                    .castTo(DataType.DOUBLE);
            double[] sums = block.mul(block).sum(1).toDoubleVector();
            for (int row = 0; row < count; row++) {
                double scale = scales == null ? 1 : scales.getDouble(first + row);
                squares[first + row] = sums[row] * scale * scale;
            }
        }
        return squares;
    }
}
