package org.finetune4j.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/** Converts runs of little-endian elements from one type to another, a bounded piece at a time. */
final class ElementConversion {
    private static final int PIECE = 8192;

    /** What each of the 256 patterns of a byte stands for. */
    private static final Map<TensorType, float[]> BYTES = Map.of(
        TensorType.F8_E4M3, table(FloatFormats::fromFloat8E4M3),
        TensorType.F8_E5M2, table(FloatFormats::fromFloat8E5M2),
        TensorType.I8, table(bits -> bits));

    private ElementConversion() {}

    private interface Meaning {
        float of(byte bits);
    }

    private static float[] table(Meaning meaning) {
        float[] table = new float[256];
        for (int i = 0; i < table.length; i++) {
            table[i] = meaning.of((byte) i);
        }
        return table;
    }

    /** What stored numbers are multiplied by before they are rounded to their type in memory. */
    @FunctionalInterface
    interface Scaling {
        /** Scales the first {@code count} values, which are those of the tensor's elements from {@code first} on. */
        void apply(long first, float[] values, int count);
    }

    /**
     * Returns whether {@link #convert} knows the way: any type to itself, floating point to floating point but for the
     * types of 8 bits, which nothing is converted to.
     */
    static boolean possible(TensorType from, TensorType to) {
        return from == to || from.isFloatingPoint() && to.isFloatingPoint() && to.bytes() > 1;
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
        convert(from, source, to, target, (first, values, count) -> { }, 0);
    }

    /** As {@link #convert(TensorType, ByteBuffer, TensorType, ByteBuffer)}, with {@code first} the source's first element. */
    static void convert(TensorType from, ByteBuffer source, TensorType to, ByteBuffer target, Scaling scaling, long first) {
        long done = first;
        source.order(ByteOrder.LITTLE_ENDIAN);
        target.order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[PIECE];
        short[] patterns = new short[PIECE];
        // f64 to f32 is one rounding already; on the way to 16 bits the step through f32 must not round a second time.
        boolean roundToOdd = to != TensorType.F32;
        while (source.hasRemaining()) {
            int count = Math.min(PIECE, source.remaining() / from.bytes());
            decode(from, source, values, patterns, count, roundToOdd);
            scaling.apply(done, values, count);
            done += count;
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
            case F8_E4M3, F8_E5M2, I8 -> {
                int start = source.position();
                float[] meaning = BYTES.get(from);
                for (int i = 0; i < count; i++) {
                    values[i] = meaning[source.get(start + i) & 0xff];
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
