package org.finetune4j.kernel;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A matrix product {@code factor * op(a) op(b)} as a term of a {@link ProductSum}.
 *
 * @param a          {@code [m, k]}, or {@code [k, m]} when transposed
 * @param b          {@code [k, n]}, or {@code [n, k]} when transposed; of the type of {@code a}
 * @param factor     what the product is multiplied by
 */
public record Product(INDArray a, boolean transposeA, INDArray b, boolean transposeB, double factor) {
}
