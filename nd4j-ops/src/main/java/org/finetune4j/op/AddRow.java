package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A row added to every row, such as the bias of a linear layer: x {@code [tokens, width]}, row {@code [width]}. */
public final class AddRow extends OwnOp {
    private AddRow(SDVariable x, SDVariable row) {
        super(x, row);
    }

    /** {@code x[t] + row} for every row {@code t}. */
    public static SDVariable of(SDVariable x, SDVariable row) {
        return new AddRow(x, row).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_add_row";
    }

    @Override
    protected int reusableInput(int output) {
        return 0;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().addRow(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, backward.upstream());
        }
        if (backward.wants(1)) {
            backward.add(1, new Gradient(arg(1), backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable row, SDVariable upstream) {
            super(row, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_add_row_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return List.of(FullPrecision.of(inputs.get(0)));
        }

        @Override
        protected Write write(int index) {
            return Write.ADD;
        }

        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            return bytes(inputs.subList(1, 2)) + bytes(outputs);
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().columnSums(execution.input(1), execution.output(0));
        }
    }
}
