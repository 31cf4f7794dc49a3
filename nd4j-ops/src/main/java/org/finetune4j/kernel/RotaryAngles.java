package org.finetune4j.kernel;

import java.util.Arrays;
import java.util.BitSet;

/** The angles of a {@link RotaryTable} in one pass: {@code position * frequency(pair)}, and their cosines and sines. */
public final class RotaryAngles {
    private static final int LEAST_POSITIONS = 256;
    private final double[] frequencies;
    private final double magnitude;
    private final BitSet known = new BitSet();
    private float[] cosines = new float[0];
    private float[] sines = new float[0];

    RotaryAngles(double[] frequencies, double magnitude) {
        this.frequencies = frequencies;
        this.magnitude = magnitude;
    }

    /** The angle per position of pair {@code pair}, in radians. */
    public double frequency(int pair) {
        return frequencies[pair];
    }

    /** Cosines times the magnitude, {@code [positions, pairs]} in row-major order, of which the rows asked for are filled. */
    public synchronized float[] cosines(int... positions) {
        fill(positions);
        return cosines;
    }

    /** Sines times the magnitude, {@code [positions, pairs]} in row-major order, of which the rows asked for are filled. */
    public synchronized float[] sines(int... positions) {
        fill(positions);
        return sines;
    }

    boolean has(double[] others) {
        return Arrays.equals(frequencies, others);
    }

    /** Rows that are filled are never written again, so that whoever has the arrays may read them. */
    private void fill(int[] positions) {
        int pairs = frequencies.length;
        for (int position : positions) {
            if (known.get(position)) {
                continue;
            }
            long least = (position + 1L) * pairs;
            if (least > cosines.length) {
                int size = size(position, Math.max(least, Math.max(LEAST_POSITIONS * pairs, 2L * cosines.length)));
                cosines = Arrays.copyOf(cosines, size);
                sines = Arrays.copyOf(sines, size);
            }
            for (int i = 0; i < pairs; i++) {
                double angle = position * frequencies[i];
                cosines[position * pairs + i] = (float) (magnitude * Math.cos(angle));
                sines[position * pairs + i] = (float) (magnitude * Math.sin(angle));
            }
            known.set(position);
        }
    }

    private static int size(int position, long numbers) {
        if (numbers > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("position " + position + " of a rotary embedding asks for " + numbers
                    + " cosines, more than a table holds; positions count within a sequence, from 0");
        }
        return (int) numbers;
    }
}
