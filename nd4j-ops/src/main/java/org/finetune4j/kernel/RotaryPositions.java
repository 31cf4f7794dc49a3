package org.finetune4j.kernel;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A rotary embedding to be applied where attention reads queries and keys.
 *
 * @param positions {@code [tokens]} INT32, each token's position in its sequence, at least 0
 * @param table     the angles, of the heads' dimension
 */
public record RotaryPositions(INDArray positions, RotaryTable table) {
}
