package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Rows of a table by token id: ids {@code [tokens]}, table {@code [vocabulary, hidden]}, result {@code [tokens, hidden]}. */
public final class Embedding extends OwnOp {
    private Embedding(SDVariable ids, SDVariable table) {
        super(ids, table);
    }

    /** {@code table[ids[t]]} for every token {@code t}. */
    public static SDVariable of(SDVariable ids, SDVariable table) {
        return new Embedding(ids, table).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_embedding";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(inputs.get(1));
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(0)[0], inputs.get(1)[1]});
    }

    @Override
    protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
        return bytes(inputs.subList(0, 1)) + 2 * bytes(outputs);
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().embedding(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(1)) {
            backward.add(1, new Gradient(arg(0), arg(1), backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable ids, SDVariable table, SDVariable upstream) {
            super(ids, table, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_embedding_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return List.of(FullPrecision.of(inputs.get(1)));
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return List.of(inputs.get(1));
        }

        @Override
        protected Write write(int index) {
            return Write.ADD;
        }

        /** Rows of the upstream gradient, and those of the table that they are added to. */
        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            INDArray upstream = inputs.get(2);
            return bytes(inputs.subList(0, 1)) + bytes(inputs.subList(2, 3))
                    + 2.0 * upstream.length() * outputs.get(0).dataType().width();
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().embeddingGradient(execution.input(0), execution.input(2), execution.output(0));
        }
    }
}
