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
