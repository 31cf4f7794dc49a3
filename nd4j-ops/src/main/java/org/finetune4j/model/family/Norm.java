package org.finetune4j.model.family;

import java.util.function.Consumer;

/**
 * A norm of rows.
 *
 * @param module  its module path in the checkpoint
 * @param kind    what it computes
 * @param width   numbers that are normalised together
 * @param epsilon what is added to the mean square or variance
 */
public record Norm(String module, Kind kind, int width, double epsilon) {
    /** What a norm computes. */
    public enum Kind {
        /** {@code weight * x / sqrt(mean(x^2) + epsilon)}. */
        RMS,
        /** {@code (1 + weight) * x / sqrt(mean(x^2) + epsilon)}. */
        ZERO_CENTRED_RMS,
        /** {@code weight * (x - mean(x)) / sqrt(variance(x) + epsilon) + bias}. */
        LAYER
    }

    /** A root-mean-square norm. */
    public static Norm rms(String module, int width, double epsilon) {
        return new Norm(module, Kind.RMS, width, epsilon);
    }

    /** A root-mean-square norm whose factors are stored less one. */
    public static Norm zeroCentredRms(String module, int width, double epsilon) {
        return new Norm(module, Kind.ZERO_CENTRED_RMS, width, epsilon);
    }

    /** A layer norm with bias. */
    public static Norm layer(String module, int width, double epsilon) {
        return new Norm(module, Kind.LAYER, width, epsilon);
    }

    /** Name of its factors. */
    public String weight() {
        return module + ".weight";
    }

    /** Name of its bias, which only {@link Kind#LAYER} has. */
    public String bias() {
        return module + ".bias";
    }

    void weights(Consumer<Weight> into) {
        into.accept(new Weight(weight(), new long[] {width},
                kind == Kind.ZERO_CENTRED_RMS ? Weight.Role.OFFSETS : Weight.Role.FACTORS));
        if (kind == Kind.LAYER) {
            into.accept(new Weight(bias(), new long[] {width}, Weight.Role.OFFSETS));
        }
    }
}
