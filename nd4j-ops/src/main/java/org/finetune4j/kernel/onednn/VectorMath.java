package org.finetune4j.kernel.onednn;

/**
 * Loops over float arrays, written so that Java's compiler vectorises them: no calls, no branches, and sums in several
 * accumulators of fixed order.
 */
final class VectorMath {
    private static final float LOG2_E = 1.44269504f;
    // ln 2 in two parts, the first short enough that its product with a whole number is exact.
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    // Adding it to a small float rounds that to a whole number, which then stands in the lowest bits.
    private static final float ROUNDER = 12582912f;
    private static final float LOWEST = -87.3f;
    private static final float HIGHEST = 88.3f;
    private static final int BITS = 2;
    private static final int POWERS = 3;
    private static final int FOLDED = 32;

    private VectorMath() {
    }

    /** {@code out = e^(x + shift)} to a few units in the last place; below e^-87.3 it is that, above e^88.3 that. */
    static void exp(Worker worker, float[] x, float shift, float[] out, int count) {
        int[] bits = worker.ints(BITS, count);
        int[] powers = worker.ints(POWERS, count);
        float[] rounded = worker.floats(7, count);
        for (int i = 0; i < count; i++) {
            float value = Math.min(Math.max(x[i] + shift, LOWEST), HIGHEST);
            float turned = value * LOG2_E + ROUNDER;
            rounded[i] = turned;
            float power = turned - ROUNDER;
            float r = value - power * LN2_HIGH - power * LN2_LOW;
            float y = 1.9875691500e-4f;
            y = y * r + 1.3981999507e-3f;
            y = y * r + 8.3334519073e-3f;
            y = y * r + 4.1665795894e-2f;
            y = y * r + 1.6666665459e-1f;
            y = y * r + 5.0000001201e-1f;
            out[i] = y * (r * r) + r + 1;
        }
        Memory.floatsToBits(rounded, 0, powers, 0, count);
        Memory.floatsToBits(out, 0, bits, 0, count);
        for (int i = 0; i < count; i++) {
            bits[i] += powers[i] << 23;
        }
        Memory.bitsToFloats(bits, 0, out, 0, count);
    }

    /** The largest number, NaN if one is. Folds the tile half upon half, because that vectorises and one maximum does not. */
    static float max(Worker worker, float[] x, int count) {
        float[] from = x;
        float[] to = worker.floats(6, count);
        float[] other = worker.floats(7, count);
        int left = count;
        while (left > FOLDED) {
            int half = (left + 1) >> 1;
            to[half - 1] = from[half - 1];
            fold(from, half, to, left - half);
            from = to;
            to = other;
            other = from;
            left = half;
        }
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < left; i++) {
            largest = Math.max(largest, from[i]);
        }
        return largest;
    }

    private static void fold(float[] from, int half, float[] to, int count) {
        for (int i = 0; i < count; i++) {
            to[i] = Math.max(from[i], from[half + i]);
        }
    }

    static float sum(float[] x, int count) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        float s4 = 0;
        float s5 = 0;
        float s6 = 0;
        float s7 = 0;
        int i = 0;
        for (; i + 7 < count; i += 8) {
            s0 += x[i];
            s1 += x[i + 1];
            s2 += x[i + 2];
            s3 += x[i + 3];
            s4 += x[i + 4];
            s5 += x[i + 5];
            s6 += x[i + 6];
            s7 += x[i + 7];
        }
        for (; i < count; i++) {
            s0 += x[i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** The sum of squares in double, with which Java's compiler does not fill vectors, but eight sums keep the core busy. */
    static double squares(float[] x, int count) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i + 7 < count; i += 8) {
            double x0 = x[i];
            double x1 = x[i + 1];
            double x2 = x[i + 2];
            double x3 = x[i + 3];
            double x4 = x[i + 4];
            double x5 = x[i + 5];
            double x6 = x[i + 6];
            double x7 = x[i + 7];
            s0 += x0 * x0;
            s1 += x1 * x1;
            s2 += x2 * x2;
            s3 += x3 * x3;
            s4 += x4 * x4;
            s5 += x5 * x5;
            s6 += x6 * x6;
            s7 += x7 * x7;
        }
        for (; i < count; i++) {
            s0 += (double) x[i] * x[i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }
}
