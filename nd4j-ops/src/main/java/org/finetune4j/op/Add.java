package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** Element-wise sum of two arrays of one shape and type. */
public final class Add extends OwnOp {
    private Add(SDVariable a, SDVariable b) {
        super(a, b);
    }

    /** {@code a + b}. */
    public static SDVariable of(SDVariable a, SDVariable b) {
        return new Add(a, b).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_add";
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().add(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected int reusableInput(int output) {
        return 0;
    }

    @Override
    protected void backward(Backward backward) {
        for (int i = 0; i < 2; i++) {
            if (backward.wants(i)) {
                backward.add(i, backward.upstream());
            }
        }
    }
}
