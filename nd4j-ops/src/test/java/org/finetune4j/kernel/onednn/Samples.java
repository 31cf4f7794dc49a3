package org.finetune4j.kernel.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Random arrays, and comparison with what a reference computed in double. */
final class Samples {
    private Samples() {
    }

    static INDArray normal(long seed, DataType type, long... shape) {
        Random random = new Random(seed);
        INDArray array = Nd4j.createUninitialized(DataType.DOUBLE, shape, 'c');
        for (long i = 0; i < array.length(); i++) {
            array.data().put(i, random.nextGaussian());
        }
        return array.castTo(type);
    }

    /** An output whose every element is a wrong number until a kernel writes it. */
    static INDArray output(DataType type, long... shape) {
        return Nd4j.valueArrayOf(shape, 777.0, type);
    }

    static INDArray integers(int... values) {
        return Nd4j.createFromArray(values);
    }

    /** A view of the array at an offset in a larger buffer, with equal content. */
    static INDArray shifted(INDArray array) {
        INDArray buffer = Nd4j.create(array.dataType(), array.size(0) + 3, array.size(1));
        INDArray view = buffer.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(2, 2 + array.size(0)),
                org.nd4j.linalg.indexing.NDArrayIndex.all());
        view.assign(array);
        assertTrue(view.offset() > 0);
        return view;
    }

    static double[] doubles(INDArray array) {
        return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    }

    static double tolerance(DataType type) {
        return type == DataType.FLOAT ? 1e-5 : 2e-2;
    }

    /** Asserts that no element is off by more than the tolerance times the largest magnitude. */
    static void assertClose(double[] expected, INDArray actual, double tolerance) {
        double[] found = doubles(actual);
        assertEquals(expected.length, found.length);
        double largest = 0;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            int place = i;
            assertTrue(Math.abs(expected[i] - found[i]) <= tolerance * largest + 1e-30,
                    () -> "element " + place + ": expected " + expected[place] + ", found " + found[place]);
        }
    }

    /** The bits of an array of FLOAT or BFLOAT16. */
    static float[] bits(INDArray array) {
        return array.castTo(DataType.FLOAT).dup('c').data().asFloat();
    }
}
