package org.finetune4j.gguf;

import java.nio.ByteBuffer;
import org.finetune4j.checkpoint.FloatFormats;

/** How matrices are stored in a GGUF file; vectors are always {@link #F32}. */
public enum GgufType {
    /** 32-bit floating point. */
    F32(0, 0, 1, 4),
    /** 16-bit floating point with 5 bits of exponent. */
    F16(1, 1, 1, 2),
    /** 16-bit floating point with 8 bits of exponent. */
    BF16(30, 32, 1, 2),
    /**
     * Blocks of 32 signed bytes with one HALF scale: {@code d = max |x| / 127}, {@code q = round(x / d)}. A matrix whose rows
     * are not of whole blocks is stored as {@link #F16}.
     */
    Q8_0(8, 7, 32, 34);

    private static final float LARGEST = 127;

    private final int id;
    private final int fileType;
    private final int blockElements;
    private final int blockBytes;

    GgufType(int id, int fileType, int blockElements, int blockBytes) {
        this.id = id;
        this.fileType = fileType;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** The number of a tensor's type in the format. */
    int id() {
        return id;
    }

    /** The number for {@code general.file_type}. */
    int fileType() {
        return fileType;
    }

    /** Elements that are stored together. */
    int blockElements() {
        return blockElements;
    }

    /** Bytes of so many elements, which are whole blocks. */
    long bytes(long elements) {
        return elements / blockElements * blockBytes;
    }

    /** The type in which a tensor of this shape is stored when matrices are stored as this type. */
    GgufType of(long[] shape) {
        if (shape.length < 2) {
            return F32;
        }
        return shape[shape.length - 1] % blockElements == 0 ? this : F16;
    }

    /** Writes values, whole blocks of them, to a little-endian buffer with room for them. */
    void encode(float[] values, int count, ByteBuffer target) {
        for (int first = 0; first < count; first += blockElements) {
            switch (this) {
                case F32 -> target.putFloat(values[first]);
                case F16 -> target.putShort(FloatFormats.toHalf(values[first]));
                case BF16 -> target.putShort(FloatFormats.toBfloat16(values[first]));
                case Q8_0 -> encodeBlock(values, first, target);
            }
        }
    }

    private void encodeBlock(float[] values, int first, ByteBuffer target) {
        float largest = 0;
        for (int i = 0; i < blockElements; i++) {
            largest = Math.max(largest, Math.abs(values[first + i]));
        }
        float step = largest / LARGEST;
        float inverse = step == 0 ? 0 : 1 / step;
        target.putShort(FloatFormats.toHalf(step));
        for (int i = 0; i < blockElements; i++) {
            float scaled = values[first + i] * inverse;
            // Half away from zero, as C's roundf.
            target.put((byte) (scaled < 0 ? -Math.floor(-scaled + 0.5) : Math.floor(scaled + 0.5)));
        }
    }
}
