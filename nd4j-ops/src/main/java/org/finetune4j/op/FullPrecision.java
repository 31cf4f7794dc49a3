package org.finetune4j.op;

import org.nd4j.linalg.api.buffer.DataType;

/** The type in which gradients of parameters are collected. */
final class FullPrecision {
    private FullPrecision() {
    }

    /** FLOAT for BFLOAT16, otherwise the type itself. */
    static DataType of(DataType type) {
        return type == DataType.BFLOAT16 ? DataType.FLOAT : type;
    }
}
