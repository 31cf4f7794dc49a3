package org.finetune4j.model.family;

import java.util.function.Consumer;

/**
 * A linear layer.
 *
 * @param site    its module path in the checkpoint
 * @param inputs  width of its input
 * @param outputs width of its output
 * @param bias    whether it adds a bias
 * @param turned  whether the checkpoint holds its weight as {@code [inputs, outputs]}
 */
public record Linear(String site, int inputs, int outputs, boolean bias, boolean turned) {
    /** A layer without bias, of weight {@code [outputs, inputs]}. */
    public static Linear of(String site, int inputs, int outputs) {
        return new Linear(site, inputs, outputs, false, false);
    }

    /** This layer with or without a bias. */
    public Linear withBias(boolean biased) {
        return new Linear(site, inputs, outputs, biased, turned);
    }

    /** This layer with a weight {@code [inputs, outputs]}. */
    public Linear withTurnedWeight() {
        return new Linear(site, inputs, outputs, bias, true);
    }

    /** Name of its weight. */
    public String weight() {
        return site + ".weight";
    }

    /** Name of its bias. */
    public String biasName() {
        return site + ".bias";
    }

    void weights(Consumer<Weight> into) {
        into.accept(turned ? new Weight(weight(), new long[] {inputs, outputs}, Weight.Role.TURNED_LINEAR)
                : new Weight(weight(), new long[] {outputs, inputs}, Weight.Role.LINEAR));
        if (bias) {
            into.accept(new Weight(biasName(), new long[] {outputs}, Weight.Role.OFFSETS));
        }
    }
}
