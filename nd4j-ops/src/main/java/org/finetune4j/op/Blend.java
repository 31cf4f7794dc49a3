package org.finetune4j.op;

import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.Kernels;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A blend of two arrays, {@code x + share (y - x)}, which is {@code x} to the bit where both are equal. No gradient flows
 * into either.
 */
public final class Blend extends OwnOp {
    private static final int SHARE = 2;

    private Blend(SDVariable x, SDVariable y, SDVariable share) {
        super(x, y, share);
    }

    /** The blend; {@code share [1]} in [0, 1] is that of {@code y}. */
    public static SDVariable of(SDVariable x, SDVariable y, SDVariable share) {
        return new Blend(x, y, share).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_blend";
    }

    @Override
    protected boolean differentiable() {
        return false;
    }

    @Override
    protected void execute(Execution execution) {
        double share = execution.input(SHARE).getDouble(0);
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("the share must be in [0, 1], is " + share);
        }
        Kernels kernels = execution.kernels();
        INDArray out = execution.output(0);
        kernels.scale(execution.input(0), -1, out);
        kernels.add(execution.input(1), out, out);
        kernels.scale(out, share, out);
        kernels.add(execution.input(0), out, out);
    }
}
