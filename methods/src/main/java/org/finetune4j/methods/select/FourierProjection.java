package org.finetune4j.methods.select;

import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.select.Uds.Scaling;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A subsampled random Fourier projection as a dense matrix {@code c S Re(F D)}: random signs D, the discrete Fourier
 * transform F without normaliser, and rows S drawn with replacement.
 */
final class FourierProjection {
    private FourierProjection() {
    }

    /**
     * The matrix {@code [dimensions, length]}, FLOAT.
     *
     * @param scaling OFFICIAL has {@code c = sqrt(length / dimensions)}, which lengthens vectors by about
     *                {@code sqrt(length / 2)}; ISOMETRIC about keeps their length
     */
    static INDArray matrix(int dimensions, int length, Scaling scaling, long seed) {
        double factor = Math.sqrt((scaling == Scaling.OFFICIAL ? length : 2.0) / dimensions);
        long signs = CounterRandom.seed(seed, "signs", 0);
        long rows = CounterRandom.seed(seed, "rows", 0);
        float[][] matrix = new float[dimensions][length];
        for (int d = 0; d < dimensions; d++) {
            long frequency = Long.remainderUnsigned(CounterRandom.bits(rows, d), length);
            for (int i = 0; i < length; i++) {
                double sign = (CounterRandom.bits(signs, i) & 1) == 0 ? 1 : -1;
                // The product is reduced first, so that the angle is exact for long vocabularies.
                matrix[d][i] = (float) (factor * sign * Math.cos(2 * Math.PI * (frequency * i % length) / length));
            }
        }
        return Nd4j.createFromArray(matrix);
    }
}
