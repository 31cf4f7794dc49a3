package org.finetune4j.op;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The first row of each sequence, such as that of BERT's token {@code [CLS]}: hidden {@code [tokens, hidden]}, offsets
 * {@code [sequences + 1]}.
 */
public final class FirstRows extends OwnOp {
    private FirstRows(SDVariable hidden, SDVariable offsets) {
        super(hidden, offsets);
    }

    /** The first rows {@code [sequences, hidden]}; no sequence may be empty. */
    public static SDVariable of(SDVariable hidden, SDVariable offsets) {
        return new FirstRows(hidden, offsets).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_first_rows";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(1)[0] - 1, inputs.get(0)[1]});
    }

    @Override
    protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
        return bytes(inputs.subList(1, 2)) + 2 * bytes(outputs);
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().gatherRows(execution.input(0), first(execution.input(1)), execution.output(0));
    }

    private static INDArray first(INDArray offsets) {
        int[] bounds = offsets.toIntVector();
        for (int s = 0; s + 1 < bounds.length; s++) {
            if (bounds[s] >= bounds[s + 1]) {
                throw new IllegalArgumentException("first rows: sequence " + s + " of offsets " + Arrays.toString(bounds)
                        + " is empty, so it has no first row; leave it out of the batch");
            }
        }
        return Nd4j.createFromArray(Arrays.copyOf(bounds, bounds.length - 1));
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
            return "finetune4j_first_rows_gradient";
        }

        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            return bytes(inputs.subList(1, 3)) + bytes(outputs);
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().gatherRowsGradient(first(execution.input(1)), execution.input(2), execution.output(0));
        }
    }
}
