package org.finetune4j.op;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What experts gave for each token, times their weights and summed by rising number of the expert: y
 * {@code [tokens * perToken, hidden]} as {@link ExpertRouting} lays rows out, result {@code [tokens, hidden]}.
 */
final class ExpertSum extends OwnOp {
    private ExpertSum(SDVariable y, SDVariable places, SDVariable weights) {
        super(y, places, weights);
    }

    /** {@code sum over j of weights[t, j] * y[places[t * perToken + j]]}. */
    static SDVariable of(SDVariable y, SDVariable places, SDVariable weights) {
        return new ExpertSum(y, places, weights).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_expert_sum";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(2)[0], inputs.get(0)[1]});
    }

    @Override
    protected boolean differentiable(int input) {
        return input != 1;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().combineRows(execution.input(0), execution.input(1), execution.input(2), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        boolean wantsRows = backward.wants(0);
        boolean wantsWeights = backward.wants(2);
        SDVariable[] gradients = new Gradient(new SDVariable[] {arg(0), arg(1), arg(2), backward.upstream()}, wantsRows,
                wantsWeights).outputVariables();
        if (wantsRows) {
            backward.add(0, gradients[0]);
        }
        if (wantsWeights) {
            backward.add(2, gradients[gradients.length - 1]);
        }
    }

    private static final class Gradient extends OwnOp {
        private final boolean wantsRows;
        private final boolean wantsWeights;

        Gradient(SDVariable[] inputs, boolean wantsRows, boolean wantsWeights) {
            super(inputs);
            this.wantsRows = wantsRows;
            this.wantsWeights = wantsWeights;
        }

        @Override
        public String opName() {
            return "finetune4j_expert_sum_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return chosen(inputs.get(0), inputs.get(2));
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return chosen(inputs.get(0), inputs.get(2));
        }

        private <T> List<T> chosen(T ofRows, T ofWeights) {
            List<T> outputs = new ArrayList<>();
            if (wantsRows) {
                outputs.add(ofRows);
            }
            if (wantsWeights) {
                outputs.add(ofWeights);
            }
            return outputs;
        }

        @Override
        protected void execute(Execution execution) {
            INDArray rows = wantsRows ? execution.output(0) : null;
            INDArray weights = wantsWeights ? execution.output(wantsRows ? 1 : 0) : null;
            execution.kernels().combineRowsGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.input(3), rows, weights);
        }
    }
}
