package org.finetune4j.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Converts runs of little-endian elements from one type to another, a bounded piece at a time. */
final class ElementConversion {
    private static final int PIECE = 8192;

    private ElementConversion() {}

    /** Returns whether {@link #convert} knows the way: any type to itself, and floating point to floating point. */
    static boolean possible(TensorType from, TensorType to) {
        return from == to || from.isFloatingPoint() && to.isFloatingPoint();
    }

    /**
     * Converts what remains of {@code source} into {@code target}, which must have room for as many elements. Widening is
     * exact; narrowing rounds once, to nearest with ties to even.
     */
    static void convert(TensorType from, ByteBuffer source, TensorType to, ByteBuffer target) {
        if (from == to) {
            target.put(source);
            return;
        }
        source.order(ByteOrder.LITTLE_ENDIAN);
        target.order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[PIECE];
        short[] patterns = new short[PIECE];
        // f64 to f32 is one rounding already; on the way to 16 bits the step through f32 must not round a second time.
        boolean roundToOdd = to != TensorType.F32;
        while (source.hasRemaining()) {
            int count = Math.min(PIECE, source.remaining() / from.bytes());
            decode(from, source, values, patterns, count, roundToOdd);
            encode(to, target, values, patterns, count);
        }
    }

    private static void decode(TensorType from, ByteBuffer source, float[] values, short[] patterns, int count,
            boolean roundToOdd) {
        switch (from) {
            case F32 -> source.asFloatBuffer().get(values, 0, count);
            case F64 -> {
                int start = source.position();
                for (int i = 0; i < count; i++) {
                    double value = source.getDouble(start + 8 * i);
                    values[i] = roundToOdd ? FloatFormats.narrowToOdd(value) : (float) value;
                }
            }
            case BF16 -> {
                source.asShortBuffer().get(patterns, 0, count);
                for (int i = 0; i < count; i++) {
                    values[i] = FloatFormats.fromBfloat16(patterns[i]);
                }
            }
            case F16 -> {
                source.asShortBuffer().get(patterns, 0, count);
                for (int i = 0; i < count; i++) {
                    values[i] = FloatFormats.fromHalf(patterns[i]);
                }
            }
            default -> throw new IllegalArgumentException("no conversion from " + from);
        }
        source.position(source.position() + count * from.bytes());
    }

    private static void encode(TensorType to, ByteBuffer target, float[] values, short[] patterns, int count) {
        switch (to) {
            case F32 -> target.asFloatBuffer().put(values, 0, count);
            case F64 -> {
                int start = target.position();
                for (int i = 0; i < count; i++) {
                    target.putDouble(start + 8 * i, values[i]);
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    patterns[i] = FloatFormats.toBfloat16(values[i]);
                }
                target.asShortBuffer().put(patterns, 0, count);
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    patterns[i] = FloatFormats.toHalf(values[i]);
                }
                target.asShortBuffer().put(patterns, 0, count);
            }
            default -> throw new IllegalArgumentException("no conversion to " + to);
        }
        target.position(target.position() + count * to.bytes());
    }
}
