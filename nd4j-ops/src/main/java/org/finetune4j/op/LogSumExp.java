package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@code log sum exp} of each row of {@code [rows, vocabulary]}; all that reads a softmax of the rows takes it as
 * given.
 */
public final class LogSumExp extends OwnOp {
    private LogSumExp(SDVariable logits) {
        super(logits);
    }

    /** {@code log sum over v of exp(logits[r, v])}, {@code [rows]}. */
    public static SDVariable of(SDVariable logits) {
        return new LogSumExp(logits).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_log_sum_exp";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(0)[0]});
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().logSumExp(execution.input(0), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            SDVariable[] inputs = {arg(0), outputVariable(), backward.upstream()};
            LogitsGradient.contribute(backward, 0, (accumulated, type) -> new Gradient(inputs, accumulated, type));
        }
    }

    private static final class Gradient extends LogitsGradient {
        Gradient(SDVariable[] inputs, @Nullable SDVariable accumulated, DataType type) {
            super(inputs, accumulated, type);
        }

        @Override
        public String opName() {
            return "finetune4j_log_sum_exp_gradient";
        }

        @Override
        void execute(Execution execution, @Nullable INDArray addend) {
            execution.kernels().logSumExpGradient(execution.input(0), execution.input(1), execution.input(2), addend,
                    execution.output(0));
        }
    }
}
