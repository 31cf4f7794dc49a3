package org.finetune4j.model;

import org.nd4j.linalg.api.buffer.DataType;

/** The type of weights and activations in computation; masters, gradients and moments are always FLOAT. */
public enum Precision {
    /** 32-bit. */
    F32(DataType.FLOAT),
    /** Brain float, 16-bit. */
    BF16(DataType.BFLOAT16),
    /** 64-bit, for gradient checks. */
    F64(DataType.DOUBLE);

    private final DataType type;

    Precision(DataType type) {
        this.type = type;
    }

    /** The array type. */
    public DataType type() {
        return type;
    }
}
