package org.finetune4j.kernel;

/**
 * The frequencies of a rotary position embedding (RoFormer, arXiv 2104.09864) in Hugging Face's layout: number
 * {@code i} of a head is paired with number {@code i + headDimension / 2}.
 *
 * <p>For position {@code p} and pair {@code i} the angle is {@code p * frequencies[i]}, and
 * {@code (a, b) -> (a cos - b sin, b cos + a sin)}.
 */
public final class RotaryTable {
    private final double[] frequencies;
    private float[] cosines = new float[0];
    private float[] sines = new float[0];
    private int positions;

    /**
     * The plain table with {@code frequencies[i] = theta^(-2 i / headDimension)}.
     *
     * @param headDimension even, at least 2
     * @param theta         the base, positive
     */
    public RotaryTable(int headDimension, double theta) {
        if (headDimension < 2 || headDimension % 2 != 0 || !(theta > 0)) {
            throw new IllegalArgumentException("rotary embedding needs an even head dimension and a positive theta, got "
                    + headDimension + " and " + theta);
        }
        frequencies = new double[headDimension / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / headDimension);
        }
    }

    /** Pairs per head: half the head dimension. */
    public int pairs() {
        return frequencies.length;
    }

    /** The angle per position of pair {@code pair}, in radians. */
    public double frequency(int pair) {
        return frequencies[pair];
    }

    /** Cosines {@code [positions, pairs]} in row-major order, for at least {@code atLeast} positions. */
    public synchronized float[] cosines(int atLeast) {
        grow(atLeast);
        return cosines;
    }

    /** Sines {@code [positions, pairs]} in row-major order, for at least {@code atLeast} positions. */
    public synchronized float[] sines(int atLeast) {
        grow(atLeast);
        return sines;
    }

    private void grow(int atLeast) {
        if (atLeast <= positions) {
            return;
        }
        int count = Math.max(atLeast, Math.max(256, positions * 2));
        float[] cos = new float[count * frequencies.length];
        float[] sin = new float[count * frequencies.length];
        for (int p = 0; p < count; p++) {
            for (int i = 0; i < frequencies.length; i++) {
                double angle = p * frequencies[i];
                cos[p * frequencies.length + i] = (float) Math.cos(angle);
                sin[p * frequencies.length + i] = (float) Math.sin(angle);
            }
        }
        cosines = cos;
        sines = sin;
        positions = count;
    }
}
