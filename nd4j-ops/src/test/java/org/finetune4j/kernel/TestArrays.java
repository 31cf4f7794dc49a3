package org.finetune4j.kernel;

import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Random arrays with fixed seeds. */
final class TestArrays {
    private TestArrays() {
    }

    /** Standard normal numbers in DOUBLE. */
    static INDArray normal(long seed, long... shape) {
        return spread(seed, 0, 1, shape);
    }

    /** Normal numbers with this mean and deviation in DOUBLE. */
    static INDArray spread(long seed, double mean, double deviation, long... shape) {
        INDArray array = Nd4j.create(DataType.DOUBLE, shape);
        if (array.isEmpty()) {
            return array;
        }
        Random random = new Random(seed);
        double[] values = new double[Math.toIntExact(array.length())];
        for (int i = 0; i < values.length; i++) {
            values[i] = mean + deviation * random.nextGaussian();
        }
        return Nd4j.createFromArray(values).reshape(shape);
    }

    /** An INT32 vector; {@code [0]} where there are none. */
    static INDArray integers(int... values) {
        return values.length == 0 ? Nd4j.create(DataType.INT, 0) : Nd4j.createFromArray(values);
    }

    /** Random indices from 0 to {@code bound}, repeated ones among them. */
    static int[] indices(long seed, int count, int bound) {
        return new Random(seed).ints(count, 0, bound).toArray();
    }

    /** Zeros in DOUBLE. */
    static INDArray zeros(long... shape) {
        return Nd4j.create(DataType.DOUBLE, shape);
    }

    /** {@code log sum exp} of each row of a DOUBLE matrix, in plain Java. */
    static INDArray logSumExp(INDArray logits) {
        INDArray sums = zeros(logits.size(0));
        for (int r = 0; r < logits.size(0); r++) {
            double largest = logits.getRow(r).maxNumber().doubleValue();
            double sum = 0;
            for (int v = 0; v < logits.size(1); v++) {
                sum += Math.exp(logits.getDouble(r, v) - largest);
            }
            sums.putScalar(r, largest + Math.log(sum));
        }
        return sums;
    }
}
