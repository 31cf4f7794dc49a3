package org.finetune4j.methods.evaluate;

import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The standard error of a value of all items together: its standard deviation over draws of as many items with
 * replacement (Efron 1979). The draws are the same every time.
 */
final class Bootstrap {
    private static final int DRAWS = 1000;
    private static final long SEED = 12345;

    private Bootstrap() {
    }

    /** The standard error, or null for a single item. */
    static @Nullable Double standardError(int count, ToDoubleFunction<int[]> valueOf) {
        if (count < 2) {
            return null;
        }
        Random random = new Random(SEED);
        double[] values = new double[DRAWS];
        for (int draw = 0; draw < DRAWS; draw++) {
            values[draw] = valueOf.applyAsDouble(random.ints(count, 0, count).toArray());
        }
        double mean = Arrays.stream(values).average().orElseThrow();
        double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
        return Math.sqrt(squares / (DRAWS - 1));
    }

    /** Every item once. */
    static int[] all(int count) {
        return IntStream.range(0, count).toArray();
    }
}
