package org.finetune4j.checkpoint;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** The element types of the safetensors format, by the names that its header uses. */
public enum TensorType {
    F64(8, DataType.DOUBLE),
    F32(4, DataType.FLOAT),
    F16(2, DataType.HALF),
    BF16(2, DataType.BFLOAT16),
    I64(8, DataType.LONG),
    I32(4, DataType.INT),
    I16(2, DataType.SHORT),
    I8(1, DataType.BYTE),
    U64(8, DataType.UINT64),
    U32(4, DataType.UINT32),
    U16(2, DataType.UINT16),
    U8(1, DataType.UBYTE),
    BOOL(1, DataType.BOOL),
    /** Eight-bit float with 4 exponent bits and no infinity; ND4J has no such type, so it is read into wider ones. */
    F8_E4M3(1, null),
    /** Eight-bit float with 5 exponent bits; ND4J has no such type, so it is read into wider ones. */
    F8_E5M2(1, null);

    private final int bytes;
    private final @Nullable DataType dataType;

    TensorType(int bytes, @Nullable DataType dataType) {
        this.bytes = bytes;
        this.dataType = dataType;
    }

    /** Returns the size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Returns the ND4J type that holds the same values bit for bit, or null where ND4J has none. */
    public @Nullable DataType dataType() {
        return dataType;
    }

    /** Returns whether values of this type can be converted to other floating-point types. */
    public boolean isFloatingPoint() {
        return dataType == null || dataType.isFPType();
    }

    /** Returns the type stored for arrays of an ND4J type, or null where the format has none. */
    static @Nullable TensorType of(DataType dataType) {
        return Arrays.stream(values()).filter(type -> type.dataType == dataType).findFirst().orElse(null);
    }

    /** Returns the type of a header's name for it, or null where the name is unknown. */
    static @Nullable TensorType named(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst().orElse(null);
    }

    static String knownNames() {
        return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
    }
}
