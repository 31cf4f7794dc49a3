package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.indices;
import static org.finetune4j.kernel.TestArrays.normal;
import static org.finetune4j.kernel.TestArrays.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Holds gradients in double to the differences of what they are gradients of. */
final class CentralDifferences {
    private static final double STEP = 1e-5;
    private static final double RELATIVE_TOLERANCE = 1e-6;

    private static final int SINGLE_ELEMENTS = 12;
    private static final int DIRECTIONS = 4;

    private CentralDifferences() {
    }

    /**
     * Compares an analytic gradient with central differences of {@code sum(upstream * forward)}: along random
     * directions, in which every element takes part, and along single elements (all where there are few).
     */
    static void assertGradient(INDArray input, INDArray analytic, INDArray upstream,
                               Consumer<INDArray> forward) {
        double scale = Math.max(largest(analytic), 1e-3 * largest(upstream));
        int length = (int) input.length();
        int[] elements = length <= SINGLE_ELEMENTS ? IntStream.range(0, length).toArray()
                : indices(length, SINGLE_ELEMENTS, length);
        for (int element : elements) {
            INDArray direction = zeros(input.shape());
            direction.putScalar(element, 1);
            assertSlope(input, direction, analytic, upstream, forward, scale);
        }
        for (int i = 0; i < DIRECTIONS; i++) {
            assertSlope(input, normal(1000 + i, input.shape()), analytic, upstream, forward, scale);
        }
    }

    private static void assertSlope(INDArray input, INDArray direction, INDArray analytic, INDArray upstream,
                                    Consumer<INDArray> forward, double scale) {
        INDArray before = input.dup();
        input.assign(before.add(direction.mul(STEP)));
        double above = objective(upstream, forward);
        input.assign(before.sub(direction.mul(STEP)));
        double below = objective(upstream, forward);
        input.assign(before);
        double expected = analytic.mul(direction).sumNumber().doubleValue();
        assertEquals((above - below) / (2 * STEP), expected, RELATIVE_TOLERANCE * scale, "slope along " + direction);
    }

    private static double objective(INDArray upstream, Consumer<INDArray> forward) {
        INDArray out = zeros(upstream.shape());
        forward.accept(out);
        return out.mul(upstream).sumNumber().doubleValue();
    }

    private static double largest(INDArray array) {
        double largest = 0;
        for (int i = 0; i < array.length(); i++) {
            largest = Math.max(largest, Math.abs(array.getDouble(i)));
        }
        return largest;
    }

    /** A second call doubles what the first added, and what was there before stays. */
    static void assertAddedTo(Consumer<INDArray> gradient, long... shape) {
        INDArray once = zeros(shape);
        gradient.accept(once);
        INDArray before = normal(99, shape);
        INDArray sum = before.dup();
        gradient.accept(sum);
        gradient.accept(sum);
        for (int i = 0; i < sum.length(); i++) {
            assertEquals(before.getDouble(i) + 2 * once.getDouble(i), sum.getDouble(i), 1e-12);
        }
    }
}
