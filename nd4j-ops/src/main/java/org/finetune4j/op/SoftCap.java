package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** Numbers kept within a cap, smoothly: {@code cap * tanh(x / cap)} (arXiv 2408.00118). */
public final class SoftCap extends OwnOp {
    private final double cap;

    private SoftCap(SDVariable x, double cap) {
        super(x);
        this.cap = cap;
    }

    /**
     * {@code cap * tanh(x / cap)}, of the shape of x.
     *
     * @param cap above 0
     */
    public static SDVariable of(SDVariable x, double cap) {
        if (!(cap > 0 && cap < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("a soft cap of " + cap + "; it must be above 0 and finite");
        }
        return new SoftCap(x, cap).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_soft_cap";
    }

    @Override
    protected int reusableInput(int output) {
        return 0;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().softCap(execution.input(0), cap, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(outputVariable(), backward.upstream(), cap).outputVariable());
        }
    }

    /** Reads what the forward pass gave. */
    private static final class Gradient extends OwnOp {
        private final double cap;

        Gradient(SDVariable out, SDVariable upstream, double cap) {
            super(out, upstream);
            this.cap = cap;
        }

        @Override
        public String opName() {
            return "finetune4j_soft_cap_gradient";
        }

        @Override
        protected int reusableInput(int output) {
            return 1;
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().softCapGradient(execution.input(0), cap, execution.input(1), execution.output(0));
        }
    }
}
