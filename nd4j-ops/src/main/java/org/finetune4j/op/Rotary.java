package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.RotaryTable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Rotary position embedding of every head (arXiv 2104.09864), or of the part that the table turns: x
 * {@code [tokens, heads * headDimension]}, positions {@code [tokens]}.
 */
public final class Rotary extends OwnOp {
    private final RotaryTable table;
    private final boolean inverse;

    private Rotary(SDVariable x, SDVariable positions, RotaryTable table, boolean inverse) {
        super(x, positions);
        this.table = table;
        this.inverse = inverse;
    }

    /** {@code x} with every pair of the table turned by its position's angle and magnified. */
    public static SDVariable of(SDVariable x, SDVariable positions, RotaryTable table) {
        return new Rotary(x, positions, table, false).outputVariable();
    }

    @Override
    public String opName() {
        return inverse ? "finetune4j_rotary_inverse" : "finetune4j_rotary";
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().rotary(execution.input(0), execution.input(1), table, inverse, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Rotary(backward.upstream(), arg(1), table, !inverse).outputVariable());
        }
    }
}
