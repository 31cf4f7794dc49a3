package org.finetune4j.head;

import java.util.Map;

/**
 * What a pass over a batch found.
 *
 * @param loss   the sum over supervised tokens of weight times token loss
 * @param values per-token values {@code [supervised tokens]} by name: {@code loss} (unweighted) and whatever the token
 *               loss logs
 * @param samples values of each sample {@code [samples]} by name, where there is a {@link SequenceLoss}: {@code loss},
 *                {@code divisor} and whatever it logs; else none
 */
public record TokenValues(double loss, Map<String, float[]> values, Map<String, double[]> samples) {
    /** Values of a loss of tokens alone. */
    public TokenValues(double loss, Map<String, float[]> values) {
        this(loss, values, Map.of());
    }

    /** The sum over tokens of one value, in double. */
    public double sum(String name) {
        float[] numbers = values.get(name);
        if (numbers == null) {
            throw new IllegalArgumentException("no token value '" + name + "'; there are " + values.keySet());
        }
        double sum = 0;
        for (float number : numbers) {
            sum += number;
        }
        return sum;
    }
}
