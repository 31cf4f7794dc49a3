package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The rows of tokens as {@link ExpertRouting} lays them out: x {@code [tokens, hidden]}, result {@code [tokens * perToken,
 * hidden]}.
 */
final class ExpertRows extends OwnOp {
    private ExpertRows(SDVariable x, SDVariable tokens, SDVariable places) {
        super(x, tokens, places);
    }

    /** {@code x[tokens[r]]} for every row {@code r}. */
    static SDVariable of(SDVariable x, SDVariable tokens, SDVariable places) {
        return new ExpertRows(x, tokens, places).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_expert_rows";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(1)[0], inputs.get(0)[1]});
    }

    @Override
    protected boolean differentiable(int input) {
        return input == 0;
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().embedding(execution.input(1), execution.input(0), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(arg(0), arg(2), backward.upstream()).outputVariable());
        }
    }

    /** Reads the shape of x alone. */
    private static final class Gradient extends OwnOp {
        Gradient(SDVariable x, SDVariable places, SDVariable upstream) {
            super(x, places, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_expert_rows_gradient";
        }

        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            return bytes(inputs.subList(1, 3)) + bytes(outputs);
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().combineRows(execution.input(2), execution.input(1), null, execution.output(0));
        }
    }
}
