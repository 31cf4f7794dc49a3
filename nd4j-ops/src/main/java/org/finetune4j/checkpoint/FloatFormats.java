package org.finetune4j.checkpoint;

/** The bit patterns of floating-point types of 16 and 8 bits; narrowing rounds to nearest, ties to even. */
public final class FloatFormats {
    private FloatFormats() {}

    /** The float that a BFLOAT16 pattern stands for. */
    public static float fromBfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The BFLOAT16 pattern nearest to a float; a NaN stays one. */
    public static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            // Rounding could carry a NaN's payload into the exponent and make it infinite.
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** The 8-bit float with 4 exponent bits of arXiv 2209.05433, which has no infinity; 0x7f and 0xff are NaN. */
    static float fromFloat8E4M3(byte bits) {
        int exponent = bits >>> 3 & 0xf;
        int fraction = bits & 7;
        if (exponent == 0xf && fraction == 7) {
            return Float.NaN;
        }
        float magnitude = exponent == 0 ? fraction * 0x1p-9f : Math.scalb(1 + fraction / 8f, exponent - 7);
        return bits < 0 ? -magnitude : magnitude;
    }

    /** The 8-bit float with 5 exponent bits of arXiv 2209.05433: the upper half of a HALF. */
    static float fromFloat8E5M2(byte bits) {
        return fromHalf((short) (bits << 8));
    }

    /** The value of a HALF pattern. */
    public static float fromHalf(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = bits >>> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0) {
            float subnormal = fraction * 0x1p-24f;
            return sign == 0 ? subnormal : -subnormal;
        }
        int wide = exponent == 0x1f ? 0xff : exponent + 112;
        return Float.intBitsToFloat(sign | wide << 23 | fraction << 13);
    }

    /** The HALF pattern nearest to a float; what is too large becomes infinite. */
    public static short toHalf(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        float magnitude = Math.abs(value);
        if (Float.isNaN(value)) {
            return (short) (sign | 0x7e00 | bits >>> 13 & 0x3ff);
        }
        if (magnitude >= 65520f) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x1p-14f) {
            // Scaled by 2^24 a subnormal is a whole number of steps, and rint rounds ties to even.
            return (short) (sign | (int) Math.rint((double) magnitude * 0x1p24));
        }
        int absolute = bits & 0x7fffffff;
        int rounded = absolute + 0xfff + (absolute >>> 13 & 1);
        return (short) (sign | (rounded - (112 << 23)) >>> 13);
    }

    /**
     * Narrows a double so that a second rounding to 16 bits gives what rounding once would have given: an inexact value
     * is truncated and its last bit set ("round to odd").
     */
    static float narrowToOdd(double value) {
        float nearest = (float) value;
        if (nearest == value || Double.isNaN(value)) {
            return nearest;
        }
        int bits = Float.floatToRawIntBits(nearest);
        if (Math.abs((double) nearest) > Math.abs(value)) {
            bits--;
        }
        return Float.intBitsToFloat(bits | 1);
    }
}
