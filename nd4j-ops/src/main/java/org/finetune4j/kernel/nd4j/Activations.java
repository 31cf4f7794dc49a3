package org.finetune4j.kernel.nd4j;

import static org.finetune4j.kernel.nd4j.Arithmetic.read;
import static org.finetune4j.kernel.nd4j.Arithmetic.sigmoid;
import static org.finetune4j.kernel.nd4j.Arithmetic.type;
import static org.finetune4j.kernel.nd4j.Arithmetic.write;

import org.finetune4j.op.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Erf;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Activations, alone and gated, and soft caps: functions of every element with their derivatives. */
final class Activations {
    private static final double ROOT_HALF = Math.sqrt(0.5);
    private static final double ROOT_TWO_OVER_PI = Math.sqrt(2 / Math.PI);
    private static final double CUBIC = 0.044715;
    private static final double QUICK = 1.702;

    private Activations() {
    }

    static void activation(INDArray x, Activation.Kind kind, INDArray out) {
        Arguments check = new Arguments("activation");
        check.numbers(x, out);
        check.sameShape("out", out, "x", x);
        if (!x.isEmpty()) {
            write(value(read(x, type(x)), kind), out);
        }
    }

    static void activationGradient(INDArray x, Activation.Kind kind, INDArray outGradient, INDArray inputGradient) {
        Arguments check = new Arguments("activationGradient");
        check.numbers(x, outGradient, inputGradient);
        check.sameShape("outGradient", outGradient, "x", x);
        check.sameShape("inputGradient", inputGradient, "x", x);
        if (!x.isEmpty()) {
            DataType type = type(x);
            write(slope(read(x, type), kind).mul(read(outGradient, type)), inputGradient);
        }
    }

    static void gated(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
        Arguments check = new Arguments("gatedActivation");
        check.numbers(gate, up, out);
        check.sameShape("up", up, "gate", gate);
        check.sameShape("out", out, "gate", gate);
        if (!gate.isEmpty()) {
            DataType type = type(gate, up);
            write(value(read(gate, type), kind).mul(read(up, type)), out);
        }
    }

    static void gatedGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                              INDArray gateGradient, INDArray upGradient) {
        Arguments check = new Arguments("gatedActivationGradient");
        check.numbers(gate, up, outGradient, gateGradient, upGradient);
        check.sameShape("up", up, "gate", gate);
        check.sameShape("outGradient", outGradient, "gate", gate);
        check.sameShape("gateGradient", gateGradient, "gate", gate);
        check.sameShape("upGradient", upGradient, "gate", gate);
        if (gate.isEmpty()) {
            return;
        }
        DataType type = type(gate, up);
        INDArray g = read(gate, type);
        INDArray upstream = read(outGradient, type);
        INDArray towardsGate = upstream.mul(read(up, type)).mul(slope(g, kind));
        write(upstream.mul(value(g, kind)), upGradient);
        write(towardsGate, gateGradient);
    }

    static void softCap(INDArray x, double cap, INDArray out) {
        Arguments check = new Arguments("softCap");
        check.numbers(x, out);
        check.sameShape("out", out, "x", x);
        checkCap(check, cap);
        if (!x.isEmpty()) {
            write(Transforms.tanh(read(x, type(x)).div(cap), true).mul(cap), out);
        }
    }

    static void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
        Arguments check = new Arguments("softCapGradient");
        check.numbers(out, outGradient, inputGradient);
        check.sameShape("outGradient", outGradient, "out", out);
        check.sameShape("inputGradient", inputGradient, "out", out);
        checkCap(check, cap);
        if (!out.isEmpty()) {
            DataType type = type(out);
            INDArray ratio = read(out, type).div(cap);
            write(ratio.mul(ratio).rsub(1).mul(read(outGradient, type)), inputGradient);
        }
    }

    private static void checkCap(Arguments check, double cap) {
        if (!(cap > 0 && cap < Double.POSITIVE_INFINITY)) {
            throw check.refused("a cap of " + cap + " must be above 0 and finite");
        }
    }

    private static INDArray value(INDArray x, Activation.Kind kind) {
        return switch (kind) {
            case GELU -> x.mul(normalShare(x));
            case GELU_TANH -> x.mul(approximateShare(x));
            case SILU -> x.mul(sigmoid(x));
            case RELU -> Transforms.relu(x, true);
            case TANH -> Transforms.tanh(x, true);
            case QUICK_GELU -> x.mul(sigmoid(x.mul(QUICK)));
        };
    }

    private static INDArray slope(INDArray x, Activation.Kind kind) {
        switch (kind) {
            case GELU:
                INDArray density = Transforms.exp(x.mul(x).mul(-0.5), true).mul(ROOT_TWO_OVER_PI / 2);
                return normalShare(x).add(x.mul(density));
            case GELU_TANH:
                INDArray share = approximateShare(x);
                INDArray inner = x.mul(x).mul(3 * CUBIC).add(1).mul(2 * ROOT_TWO_OVER_PI);
                return share.add(x.mul(inner).mul(share).mul(share.rsub(1)));
            case RELU:
                return x.gt(0).castTo(x.dataType());
            case TANH:
                INDArray tanh = Transforms.tanh(x, true);
                return tanh.mul(tanh).rsub(1);
            case SILU:
            case QUICK_GELU:
                double factor = kind == Activation.Kind.SILU ? 1 : QUICK;
                INDArray s = sigmoid(x.mul(factor));
                return s.add(x.mul(factor).mul(s).mul(s.rsub(1)));
            default:
                throw new IllegalArgumentException("no derivative is known of " + kind);
        }
    }

    /** The share of a standard normal distribution below x: {@code (1 + erf(x / sqrt 2)) / 2}. */
    private static INDArray normalShare(INDArray x) {
        INDArray scaled = x.mul(ROOT_HALF);
        return Nd4j.getExecutioner().exec(new Erf(scaled, scaled)).add(1).mul(0.5);
    }

    /** {@code (1 + tanh(z)) / 2 = sigmoid(2 z)} with {@code z = sqrt(2 / pi) (x + 0.044715 x^3)}. */
    private static INDArray approximateShare(INDArray x) {
        return sigmoid(x.mul(x).mul(CUBIC).add(1).mul(x).mul(2 * ROOT_TWO_OVER_PI));
    }
}
