package org.finetune4j.model.family;

import org.finetune4j.kernel.RotaryTable;

/**
 * Rotary positions of queries and keys (arXiv 2104.09864): the first numbers of every head are turned by angles that grow
 * with the position.
 *
 * @param headDimension numbers per head
 * @param dimensions    how many of them are turned, an even number
 * @param theta         base of the wave lengths
 * @param scaling       how they are changed for longer texts
 */
public record Rotary(int headDimension, int dimensions, double theta, RotaryScaling scaling) {
    /** Refuses an odd number of dimensions and a base of at most 1, as {@code config.json} names them. */
    public Rotary {
        if (dimensions % 2 != 0) {
            throw new ConfigProblem((dimensions == headDimension ? "head_dim " : "the rotary part of a head, ") + dimensions
                    + " is odd, but rotary positions turn pairs");
        }
        if (dimensions < 2 || dimensions > headDimension) {
            throw new ConfigProblem("the rotary part of a head, " + dimensions + ", is not from 2 to head_dim "
                    + headDimension);
        }
        if (!(theta > 1 && Double.isFinite(theta))) {
            throw new ConfigProblem("rope_theta " + theta + " is not above 1");
        }
    }

    /** Unscaled positions that turn whole heads. */
    public static Rotary plain(int headDimension, double theta) {
        return new Rotary(headDimension, headDimension, theta, new RotaryScaling.None());
    }

    /**
     * These positions for texts longer by a factor: with the base {@code theta factor^(d / (d - 2))} for d turned
     * dimensions, the shortest wave stays as it is and the longest grows by exactly the factor (NTK-aware scaling).
     *
     * @param factor how many times as long texts become, finite and at least 1
     * @throws IllegalArgumentException when the factor is out of range, or only one pair is turned
     */
    public Rotary rebased(double factor) {
        if (!(factor >= 1 && Double.isFinite(factor))) {
            throw new IllegalArgumentException("the factor of rebased rotary positions is " + factor
                    + ", but must be at least 1");
        }
        if (dimensions < 4) {
            throw new IllegalArgumentException("rotary positions of a single pair have one wave length, which cannot be "
                    + "both kept and stretched");
        }
        return new Rotary(headDimension, dimensions, theta * Math.pow(factor, dimensions / (dimensions - 2.0)), scaling);
    }

    /** The table that kernels turn by. */
    public RotaryTable table() {
        return scaling.byLength()
                ? RotaryTable.byLength(headDimension, length -> scaling.frequencies(this, length), scaling.magnitude())
                : new RotaryTable(headDimension, scaling.frequencies(this, 1), scaling.magnitude());
    }

    /** {@code base^(-2 i / dimensions)} for every pair. */
    double[] plainFrequencies(double base) {
        double[] frequencies = new double[dimensions / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(base, -2.0 * i / dimensions);
        }
        return frequencies;
    }
}
