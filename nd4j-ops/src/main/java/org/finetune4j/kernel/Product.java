package org.finetune4j.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A matrix product {@code factor * op(a) op(b)} as a term of a {@link ProductSum}.
 *
 * @param a      {@code [m, k]}, or {@code [k, m]} when transposed
 * @param b      {@code [k, n]}, or {@code [n, k]} when transposed; of the type of {@code a}, or BYTE with scales
 * @param factor what the product is multiplied by
 * @param scales FLOAT (or DOUBLE), one for each row of {@code b} as it lies in memory: row {@code r} stands for
 *               {@code scales[r] * b[r]}; null where {@code b} stands for itself. {@code a} is not transposed with it
 */
public record Product(INDArray a, boolean transposeA, INDArray b, boolean transposeB, double factor,
                      @Nullable INDArray scales) {
    /** Refuses bytes without scales, scales of another number or type than the rows need, and a transposed {@code a}. */
    public Product {
        boolean bytes = b.dataType() == DataType.BYTE;
        if (bytes != (scales != null)) {
            throw new IllegalArgumentException("a matrix of " + b.dataType() + " and shape "
                    + Arrays.toString(b.shape()) + (bytes ? " without" : " with")
                    + " scales; bytes need a scale for each row, and nothing else may have any");
        }
        if (scales != null && (transposeA || !scales.dataType().isFPType() || scales.length() != b.size(0))) {
            throw new IllegalArgumentException(scales.length() + " scales of " + scales.dataType() + " for " + b.size(0)
                    + " rows; a matrix of bytes needs a number for each row, and no transposed matrix before it");
        }
    }

    /** A product of matrices of one type. */
    public Product(INDArray a, boolean transposeA, INDArray b, boolean transposeB, double factor) {
        this(a, transposeA, b, transposeB, factor, null);
    }
}
