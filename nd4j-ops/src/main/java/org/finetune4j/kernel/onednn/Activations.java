package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.onednn.ActivationPass.Function;
import org.finetune4j.kernel.onednn.BinaryPass.Kind;
import org.finetune4j.op.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Activations, alone and gated, and soft caps, over pieces that stay in the second cache.
 *
 * <p>oneDNN computes the functions and their derivatives, but for those of {@link SigmoidForm}.
 */
final class Activations {
    private static final int TILE = Tiles.TILE;
    private final Tiles tiles;

    Activations(Workers workers) {
        this.tiles = new Tiles(workers);
    }

    private static Function function(Activation.Kind kind) {
        return switch (kind) {
            case GELU -> Function.GELU;
            case SILU -> Function.SILU;
            case RELU -> Function.RELU;
            case TANH -> Function.TANH;
            case QUICK_GELU -> Function.QUICK_GELU;
            case GELU_TANH -> throw new IllegalArgumentException("oneDNN's own " + kind + " is not used");
        };
    }

    /** {@code to = kind(from)}; they may be one. */
    private static void apply(Worker worker, int count, Activation.Kind kind, long from, long to) {
        SigmoidForm form = SigmoidForm.of(kind);
        if (kind == Activation.Kind.RELU) {
            ramp(worker, count, from, to);
        } else if (form == null || form.cubic() == 0) {
            ActivationPass.run(worker, count, function(kind), from, to);
        } else {
            long sigmoids = form.sigmoids(worker, 5, count, from);
            new BinaryPass(Kind.PRODUCT, count, false).run(worker, from, sigmoids, to);
        }
    }

    /** {@code to = max(from, 0)}, NaN where the element is, which oneDNN takes for a zero. */
    private static void ramp(Worker worker, int count, long from, long to) {
        for (int begin = 0; begin < count; begin += TILE) {
            int tile = Math.min(TILE, count - begin);
            float[] values = worker.floats(0, TILE);
            Memory.read(from + 4L * begin, values, 0, tile);
            for (int i = 0; i < tile; i++) {
                values[i] = Math.max(values[i], 0);
            }
            Memory.write(values, 0, to + 4L * begin, tile);
        }
    }

    void activation(INDArray x, Activation.Kind kind, INDArray out) {
        String kernel = "activation";
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.alike(kernel, x, out, out);
        if (x.length() == 0) {
            return;
        }
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        tiles.forPieces(x.length(), (worker, first, count) -> {
            long values = Conversion.floats(worker, 0, bfloat16, from + first * width, count);
            long result = bfloat16 ? values : to + first * width;
            apply(worker, count, kind, values, result);
            Conversion.narrow(worker, bfloat16, count, result, to + first * width);
        });
    }

    void activationGradient(INDArray x, Activation.Kind kind, INDArray outGradient, INDArray inputGradient) {
        String kernel = "activationGradient";
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.alike(kernel, x, outGradient, inputGradient);
        if (x.length() == 0) {
            return;
        }
        long from = Operands.address(kernel, x);
        long upstream = Operands.address(kernel, outGradient);
        long to = Operands.address(kernel, inputGradient);
        int width = Lanes.width(bfloat16);
        tiles.forPieces(x.length(), (worker, first, count) -> {
            long values = Conversion.floats(worker, 0, bfloat16, from + first * width, count);
            long upstreams = Conversion.floats(worker, 1, bfloat16, upstream + first * width, count);
            long result = bfloat16 ? values : to + first * width;
            SigmoidForm form = SigmoidForm.of(kind);
            if (form == null) {
                ActivationPass.gradient(worker, count, function(kind), values, upstreams, result);
            } else {
                form.gradient(worker, count, values, upstreams, result);
            }
            Conversion.narrow(worker, bfloat16, count, result, to + first * width);
        });
    }

    void gated(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
        String kernel = "gatedActivation";
        boolean bfloat16 = Operands.isBfloat16(kernel, gate);
        Operands.alike(kernel, gate, up, out);
        if (gate.length() == 0) {
            return;
        }
        long g = Operands.address(kernel, gate);
        long u = Operands.address(kernel, up);
        long o = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        SigmoidForm form = SigmoidForm.of(kind);
        if (form != null && form.cubic() == 0) {
            tiles.forPieces(gate.length(), (worker, first, count) -> gated(worker, form.linear(), bfloat16, count,
                    g + first * width, u + first * width, o + first * width));
            return;
        }
        tiles.forPieces(gate.length(), (worker, first, count) -> {
            long active = worker.buffer(0, 4L * count);
            apply(worker, count, kind, Conversion.floats(worker, 0, bfloat16, g + first * width, count), active);
            long ups = Conversion.floats(worker, 1, bfloat16, u + first * width, count);
            long result = bfloat16 ? active : o + first * width;
            new BinaryPass(Kind.PRODUCT, count, false).run(worker, active, ups, result);
            Conversion.narrow(worker, bfloat16, count, result, o + first * width);
        });
    }

    /** {@code out = gate sigmoid(linear gate) up}, in one pass. */
    private static void gated(Worker worker, float linear, boolean bfloat16, int count, long gate, long up, long out) {
        boolean widened = Conversion.isWidened(worker, bfloat16);
        long gates = Conversion.floats(worker, 0, widened, gate, count);
        long ups = Conversion.floats(worker, 1, widened, up, count);
        long factor = worker.buffer(2, 4);
        Memory.putFloat(factor, linear);
        long result = widened ? ups : out;
        new BinaryPass(Kind.SIGMOID_PRODUCT, count, false, bfloat16 && !widened)
                .run(worker, gates, factor, gates, ups, result);
        Conversion.narrow(worker, widened, count, result, out);
    }

    void gatedGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient, INDArray gateGradient,
                       INDArray upGradient) {
        String kernel = "gatedActivationGradient";
        boolean bfloat16 = Operands.isBfloat16(kernel, gate);
        Operands.alike(kernel, gate, up, outGradient);
        Operands.alike(kernel, gate, gateGradient, upGradient);
        if (gate.length() == 0) {
            return;
        }
        long g = Operands.address(kernel, gate);
        long u = Operands.address(kernel, up);
        long o = Operands.address(kernel, outGradient);
        long gg = Operands.address(kernel, gateGradient);
        long ug = Operands.address(kernel, upGradient);
        int width = Lanes.width(bfloat16);
        tiles.forPieces(gate.length(), (worker, first, count) -> {
            long gates = Conversion.floats(worker, 0, bfloat16, g + first * width, count);
            long ups = Conversion.floats(worker, 1, bfloat16, u + first * width, count);
            long outs = Conversion.floats(worker, 2, bfloat16, o + first * width, count);
            long gateResult = bfloat16 ? gates : gg + first * width;
            long upResult = bfloat16 ? ups : ug + first * width;
            SigmoidForm form = SigmoidForm.of(kind);
            if (form == null) {
                gatedGradient(worker, kind, count, gates, ups, outs, gateResult, upResult);
            } else {
                form.gatedGradient(worker, count, gates, ups, outs, gateResult, upResult);
            }
            Conversion.narrow(worker, bfloat16, count, gateResult, gg + first * width);
            Conversion.narrow(worker, bfloat16, count, upResult, ug + first * width);
        });
    }

    private static void gatedGradient(Worker worker, Activation.Kind kind, int count, long gate, long up,
                                      long outGradient, long gateGradient, long upGradient) {
        BinaryPass product = new BinaryPass(Kind.PRODUCT, count, false);
        long active = worker.buffer(3, 4L * count);
        long towards = worker.buffer(4, 4L * count);
        apply(worker, count, kind, gate, active);
        product.run(worker, outGradient, up, towards);
        product.run(worker, outGradient, active, upGradient);
        ActivationPass.gradient(worker, count, function(kind), gate, towards, gateGradient);
    }

    void softCap(INDArray x, double cap, INDArray out) {
        String kernel = "softCap";
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.alike(kernel, x, out, out);
        checkCap(kernel, cap);
        if (x.length() == 0) {
            return;
        }
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        tiles.forPieces(x.length(), (worker, first, count) -> {
            // cap tanh(x / cap) = 2 cap sigmoid(2 x / cap) - cap.
            long numbers = worker.buffer(1, 12);
            Memory.putFloat(numbers, (float) (2 / cap));
            Memory.putFloat(numbers + 4, (float) (2 * cap));
            Memory.putFloat(numbers + 8, (float) cap);
            long values = Conversion.floats(worker, 0, bfloat16, from + first * width, count);
            long result = bfloat16 ? values : to + first * width;
            new BinaryPass(Kind.SIGMOID, count, false).run(worker, values, numbers, numbers + 4, numbers + 8, result);
            Conversion.narrow(worker, bfloat16, count, result, to + first * width);
        });
    }

    void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
        String kernel = "softCapGradient";
        boolean out16 = Operands.isBfloat16(kernel, out);
        boolean gradient16 = Operands.isBfloat16(kernel, outGradient);
        Operands.sameShape(kernel, out, outGradient);
        Operands.alike(kernel, outGradient, inputGradient, inputGradient);
        checkCap(kernel, cap);
        if (out.length() == 0) {
            return;
        }
        long capped = Operands.address(kernel, out);
        long upstream = Operands.address(kernel, outGradient);
        long to = Operands.address(kernel, inputGradient);
        int width = Lanes.width(gradient16);
        float inverse = (float) (1 / cap);
        tiles.forPieces(out.length(), (worker, first, count) -> {
            long values = Conversion.floats(worker, 0, out16, capped + first * Lanes.width(out16), count);
            long upstreams = Conversion.floats(worker, 1, gradient16, upstream + first * width, count);
            long result = gradient16 ? upstreams : to + first * width;
            for (int begin = 0; begin < count; begin += TILE) {
                int tile = Math.min(TILE, count - begin);
                float[] ratios = worker.floats(0, TILE);
                float[] gradients = worker.floats(1, TILE);
                Memory.read(values + 4L * begin, ratios, 0, tile);
                Memory.read(upstreams + 4L * begin, gradients, 0, tile);
                flatten(ratios, inverse, gradients, tile);
                Memory.write(gradients, 0, result + 4L * begin, tile);
            }
            Conversion.narrow(worker, gradient16, count, result, to + first * width);
        });
    }

    private static void flatten(float[] values, float inverse, float[] gradients, int count) {
        for (int i = 0; i < count; i++) {
            float ratio = values[i] * inverse;
            gradients[i] *= 1 - ratio * ratio;
        }
    }

    private static void checkCap(String kernel, double cap) {
        if (!(cap > 0 && cap < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(kernel + ": a cap of " + cap + "; it must be above 0 and finite");
        }
    }
}
