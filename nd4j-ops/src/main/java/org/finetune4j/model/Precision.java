package org.finetune4j.model;

import org.nd4j.linalg.api.buffer.DataType;

/** The type of activations and frozen weights. What trains has FLOAT masters (DOUBLE in {@link #F64}). */
public enum Precision {
    /** 32-bit floating point throughout. */
    F32(DataType.FLOAT, DataType.FLOAT),
    /** bfloat16 weights and activations with f32 accumulation and f32 masters. */
    BF16(DataType.BFLOAT16, DataType.FLOAT),
    /** 64-bit, for gradient checks; only the {@code nd4j} kernels have it. */
    F64(DataType.DOUBLE, DataType.DOUBLE);

    private final DataType type;
    private final DataType masterType;

    Precision(DataType type, DataType masterType) {
        this.type = type;
        this.masterType = masterType;
    }

    /** Type of activations and weights in the graph. */
    public DataType type() {
        return type;
    }

    /** Type of masters, their gradients, logits and token losses. */
    public DataType masterType() {
        return masterType;
    }
}
