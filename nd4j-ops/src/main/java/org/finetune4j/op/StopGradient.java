package org.finetune4j.op;

import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** The identity in the forward pass, a constant in the reverse pass. */
public final class StopGradient extends OwnOp {
    private StopGradient(SDVariable x) {
        super(x);
    }

    /** The value of {@code x}, through which no gradient flows. */
    public static SDVariable of(SDVariable x) {
        return new StopGradient(x).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_stop_gradient";
    }

    @Override
    protected boolean differentiable() {
        return false;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().scale(execution.input(0), 1, execution.output(0));
    }
}
