package org.finetune4j.kernel;

import org.nd4j.linalg.api.buffer.DataType;

/** The types in which kernels are compared, and how far from the reference in double they may be. */
enum Precision {
    DOUBLE(DataType.DOUBLE, DataType.DOUBLE, 1e-12),
    FLOAT(DataType.FLOAT, DataType.FLOAT, 1e-5),
    BFLOAT16(DataType.BFLOAT16, DataType.FLOAT, 2e-2);

    /** The type of activations and weights. */
    final DataType activations;
    /** The type of logits, token losses and gradients of parameters. */
    final DataType wide;
    /** The largest error allowed, relative to the largest magnitude of the expected array. */
    final double tolerance;

    Precision(DataType activations, DataType wide, double tolerance) {
        this.activations = activations;
        this.wide = wide;
        this.tolerance = tolerance;
    }
}
