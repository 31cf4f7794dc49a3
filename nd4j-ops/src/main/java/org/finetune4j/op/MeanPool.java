package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The mean of each sequence's rows (arXiv 1908.10084): hidden {@code [tokens, hidden]}, offsets {@code [sequences + 1]}. */
public final class MeanPool extends OwnOp {
    private MeanPool(SDVariable hidden, SDVariable offsets) {
        super(hidden, offsets);
    }

    /** The means {@code [sequences, hidden]}; no sequence may be empty. */
    public static SDVariable of(SDVariable hidden, SDVariable offsets) {
        return new MeanPool(hidden, offsets).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_mean_pool";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(1)[0] - 1, inputs.get(0)[1]});
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().meanRows(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(arg(0), arg(1), backward.upstream()).outputVariable());
        }
    }

    /** Reads the shape of the hidden states alone. */
    private static final class Gradient extends OwnOp {
        Gradient(SDVariable hidden, SDVariable offsets, SDVariable upstream) {
            super(hidden, offsets, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_mean_pool_gradient";
        }

        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            return bytes(inputs.subList(1, 3)) + bytes(outputs);
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().meanRowsGradient(execution.input(1), execution.input(2), execution.output(0));
        }
    }
}
