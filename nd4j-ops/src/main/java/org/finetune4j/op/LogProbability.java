package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Log-probability of each row's label: logits {@code [rows, vocabulary]}, labels {@code [rows]}, the logits'
 * log-sum-exp {@code [rows]}, result {@code [rows]}. Its gradient goes to the logits alone, what flows through the
 * log-sum-exp included.
 */
public final class LogProbability extends OwnOp {
    private static final int LOG_SUM_EXP = 2;

    private LogProbability(SDVariable logits, SDVariable labels, SDVariable logSumExp) {
        super(logits, labels, logSumExp);
    }

    /** {@code log softmax(logits[r])[labels[r]]}, where {@code logSumExp} is {@link LogSumExp} of the logits. */
    public static SDVariable of(SDVariable logits, SDVariable labels, SDVariable logSumExp) {
        return new LogProbability(logits, labels, logSumExp).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_log_probability";
    }

    @Override
    protected boolean differentiable(int input) {
        return input != LOG_SUM_EXP;
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(inputs.get(1));
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().logProbability(execution.input(0), execution.input(1), execution.input(LOG_SUM_EXP),
                execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            SDVariable[] inputs = {arg(0), arg(1), arg(LOG_SUM_EXP), backward.upstream()};
            LogitsGradient.contribute(backward, 0, (accumulated, type) -> new Gradient(inputs, accumulated, type));
        }
    }

    private static final class Gradient extends LogitsGradient {
        Gradient(SDVariable[] inputs, @Nullable SDVariable accumulated, DataType type) {
            super(inputs, accumulated, type);
        }

        @Override
        public String opName() {
            return "finetune4j_log_probability_gradient";
        }

        @Override
        void execute(Execution execution, @Nullable INDArray addend) {
            execution.kernels().logProbabilityGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.input(3), addend, execution.output(0));
        }
    }
}
