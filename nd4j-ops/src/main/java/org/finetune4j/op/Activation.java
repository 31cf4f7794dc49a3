package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** A function of every element, such as GELU (arXiv 1606.08415). */
public final class Activation extends OwnOp {
    /** Which function. */
    public enum Kind {
        /** {@code x (1 + erf(x / sqrt 2)) / 2} (arXiv 1606.08415). */
        GELU,
        /** Its approximation {@code x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2}, of GPT-2 and Gemma. */
        GELU_TANH,
        /** {@code x sigmoid(x)}, also called swish (arXiv 1702.03118). */
        SILU,
        /** {@code max(x, 0)}. */
        RELU,
        /** The hyperbolic tangent. */
        TANH,
        /** {@code x sigmoid(1.702 x)} (arXiv 1606.08415). */
        QUICK_GELU
    }

    private final Kind kind;

    private Activation(SDVariable x, Kind kind) {
        super(x);
        this.kind = kind;
    }

    /** {@code kind(x)}, of the shape of x. */
    public static SDVariable of(SDVariable x, Kind kind) {
        return new Activation(x, kind).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_activation";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected int reusableInput(int output) {
        return 0;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().activation(execution.input(0), kind, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(arg(0), backward.upstream(), kind).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        private final Kind kind;

        Gradient(SDVariable x, SDVariable upstream, Kind kind) {
            super(x, upstream);
            this.kind = kind;
        }

        @Override
        public String opName() {
            return "finetune4j_activation_gradient";
        }

        @Override
        protected int reusableInput(int output) {
            return 0;
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().activationGradient(execution.input(0), kind, execution.input(1), execution.output(0));
        }
    }
}
