package org.finetune4j.model;

import java.util.function.Supplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A trainable parameter that an adapter adds.
 *
 * @param name        its full name, unique in the model
 * @param shape       its shape
 * @param initializer how its first values are drawn
 */
public record ParameterSpec(String name, long[] shape, Initializer initializer) {
    /** Draws the first value of every element from a seed; element order is row-major. */
    @FunctionalInterface
    public interface Initializer {
        /** The value of element {@code index}. */
        double value(long seed, long index);

        /**
         * These values for a layer whose own weight {@code [outputs, inputs]} is given; most do not depend on it.
         *
         * @param weight in FLOAT or the type of the graph; it is made only when asked for
         */
        default Initializer over(Supplier<INDArray> weight) {
            return this;
        }

        /** The Euclidean norm of the row of the layer's own weight at the element's index. */
        static Initializer rowNorms() {
            return new Initializer() {
                @Override
                public double value(long seed, long index) {
                    throw new IllegalStateException("row norms need the layer's weight");
                }

                @Override
                public Initializer over(Supplier<INDArray> weight) {
                    INDArray values = weight.get();
                    double[] squares = RowNorms.squared(values, null);
                    boolean exact = values.dataType() == DataType.DOUBLE;
                    // Rounded as a graph rounds them, so that a norm divided by itself there is 1.
                    return (seed, index) -> exact ? Math.sqrt(squares[(int) index])
                            : (float) Math.sqrt((float) squares[(int) index]);
                }
            };
        }

        /** All zeros. */
        static Initializer zeros() {
            return (seed, index) -> 0;
        }
    }
}
