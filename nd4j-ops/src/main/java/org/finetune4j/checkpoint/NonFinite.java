package org.finetune4j.checkpoint;

import java.nio.ByteBuffer;

/** Finds NaN and infinity in stored bytes by their exponent, which is all ones in both. */
final class NonFinite {
    private NonFinite() {}

    /** Returns the index of the first element that is not finite, or -1. */
    static int firstIndex(TensorType type, ByteBuffer bytes) {
        int count = bytes.remaining() / type.bytes();
        for (int i = 0; i < count; i++) {
            if (!isFinite(type, bytes, i)) {
                return i;
            }
        }
        return -1;
    }

    /** Returns the word for the value at an index. */
    static String describe(TensorType type, ByteBuffer bytes, int index) {
        float value = switch (type) {
            case F64 -> (float) bytes.getDouble(8 * index);
            case F32 -> bytes.getFloat(4 * index);
            case F16 -> FloatFormats.fromHalf(bytes.getShort(2 * index));
            default -> FloatFormats.fromBfloat16(bytes.getShort(2 * index));
        };
        return Float.toString(value);
    }

    private static boolean isFinite(TensorType type, ByteBuffer bytes, int index) {
        return switch (type) {
            case F64 -> (bytes.getInt(8 * index + 4) & 0x7ff00000) != 0x7ff00000;
            case F32 -> (bytes.getInt(4 * index) & 0x7f800000) != 0x7f800000;
            case F16 -> (bytes.getShort(2 * index) & 0x7c00) != 0x7c00;
            case BF16 -> (bytes.getShort(2 * index) & 0x7f80) != 0x7f80;
            default -> true;
        };
    }
}
