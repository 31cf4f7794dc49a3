package org.finetune4j.model;

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

        /** All zeros. */
        static Initializer zeros() {
            return (seed, index) -> 0;
        }
    }
}
