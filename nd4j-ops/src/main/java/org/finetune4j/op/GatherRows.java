package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Selected distinct rows of a matrix. */
public final class GatherRows extends OwnOp {
    private GatherRows(SDVariable x, SDVariable rows) {
        super(x, rows);
    }

    /** {@code x[rows[r]]}; x {@code [tokens, hidden]}, rows {@code [selected]}, distinct. */
    public static SDVariable of(SDVariable x, SDVariable rows) {
        return new GatherRows(x, rows).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_gather_rows";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(1)[0], inputs.get(0)[1]});
    }

    @Override
    protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
        return bytes(inputs.subList(1, 2)) + 2 * bytes(outputs);
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().gatherRows(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(arg(0), arg(1), backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable x, SDVariable rows, SDVariable upstream) {
            super(x, rows, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_gather_rows_gradient";
        }

        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            return bytes(inputs.subList(1, 3)) + bytes(outputs);
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().gatherRowsGradient(execution.input(1), execution.input(2), execution.output(0));
        }
    }
}
