package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.onednn.ActivationPass.Function;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;

/**
 * Activations {@code x sigmoid(linear x + cubic x^3)}: SiLU and the approximations of GELU. oneDNN computes the sigmoid,
 * which is several times as fast as its hyperbolic tangent and as its derivatives, and loops do the rest.
 */
record SigmoidForm(float linear, float cubic) {
    private static final int TILE = Tiles.TILE;
    /** The slot of a worker's memory for sigmoids while a gradient is computed. */
    private static final int SIGMOIDS = 3;

    /** That of an activation, or null where it has no such form. */
    static @Nullable SigmoidForm of(Activation.Kind kind) {
        // (1 + tanh z) / 2 = sigmoid(2 z) with z = sqrt(2 / pi) (x + 0.044715 x^3).
        double root = Math.sqrt(8 / Math.PI);
        return switch (kind) {
            case SILU -> new SigmoidForm(1, 0);
            case QUICK_GELU -> new SigmoidForm(ActivationPass.QUICK, 0);
            case GELU_TANH -> new SigmoidForm((float) root, (float) (root * 0.044715));
            case GELU, RELU, TANH -> null;
        };
    }

    /** The address of the sigmoids of the polynomials of the elements at another. */
    long sigmoids(Worker worker, int slot, int count, long x) {
        long sigmoids = worker.buffer(slot, 4L * count);
        if (linear == 1 && cubic == 0) {
            ActivationPass.run(worker, count, Function.SIGMOID, x, sigmoids);
            return sigmoids;
        }
        for (int begin = 0; begin < count; begin += TILE) {
            int tile = Math.min(TILE, count - begin);
            float[] values = worker.floats(0, TILE);
            Memory.read(x + 4L * begin, values, 0, tile);
            polynomials(values, linear, cubic, tile);
            Memory.write(values, 0, sigmoids + 4L * begin, tile);
        }
        ActivationPass.run(worker, count, Function.SIGMOID, sigmoids, sigmoids);
        return sigmoids;
    }

    private static void polynomials(float[] values, float linear, float cubic, int count) {
        for (int i = 0; i < count; i++) {
            values[i] *= linear + cubic * values[i] * values[i];
        }
    }

    /** {@code to = kind'(x) upstream}, which may lie where an input does. */
    void gradient(Worker worker, int count, long x, long upstream, long to) {
        long sigmoids = sigmoids(worker, SIGMOIDS, count, x);
        for (int begin = 0; begin < count; begin += TILE) {
            int tile = Math.min(TILE, count - begin);
            float[] values = worker.floats(0, TILE);
            float[] upstreams = worker.floats(1, TILE);
            float[] shares = worker.floats(2, TILE);
            Memory.read(x + 4L * begin, values, 0, tile);
            Memory.read(upstream + 4L * begin, upstreams, 0, tile);
            Memory.read(sigmoids + 4L * begin, shares, 0, tile);
            slopes(values, shares, linear, 3 * cubic, upstreams, tile);
            Memory.write(upstreams, 0, to + 4L * begin, tile);
        }
    }

    /** With {@code s} the sigmoid: {@code gradients = gradients (s + x s (1 - s) (linear + cubic x^2))}. */
    private static void slopes(float[] x, float[] sigmoids, float linear, float cubic, float[] gradients, int count) {
        for (int i = 0; i < count; i++) {
            float value = x[i] * sigmoids[i];
            gradients[i] *= sigmoids[i] + value * (1 - sigmoids[i]) * (linear + cubic * x[i] * x[i]);
        }
    }

    /** {@code gateGradient = outGradient up kind'(gate)} and {@code upGradient = outGradient kind(gate)}. */
    void gatedGradient(Worker worker, int count, long gate, long up, long outGradient, long gateGradient,
                       long upGradient) {
        long sigmoids = sigmoids(worker, SIGMOIDS, count, gate);
        for (int begin = 0; begin < count; begin += TILE) {
            int tile = Math.min(TILE, count - begin);
            float[] gates = worker.floats(0, TILE);
            float[] ups = worker.floats(1, TILE);
            float[] outs = worker.floats(2, TILE);
            float[] shares = worker.floats(3, TILE);
            Memory.read(gate + 4L * begin, gates, 0, tile);
            Memory.read(up + 4L * begin, ups, 0, tile);
            Memory.read(outGradient + 4L * begin, outs, 0, tile);
            Memory.read(sigmoids + 4L * begin, shares, 0, tile);
            gated(gates, ups, outs, shares, linear, 3 * cubic, tile);
            Memory.write(ups, 0, gateGradient + 4L * begin, tile);
            Memory.write(gates, 0, upGradient + 4L * begin, tile);
        }
    }

    /** With {@code s} the sigmoid: {@code ups = outs ups (s + x s (1 - s) (linear + cubic x^2))}, {@code gates = outs x s}. */
    private static void gated(float[] gates, float[] ups, float[] outs, float[] sigmoids, float linear, float cubic,
                              int count) {
        for (int i = 0; i < count; i++) {
            float value = gates[i] * sigmoids[i];
            float slope = sigmoids[i] + value * (1 - sigmoids[i]) * (linear + cubic * gates[i] * gates[i]);
            ups[i] = outs[i] * ups[i] * slope;
            gates[i] = outs[i] * value;
        }
    }
}
