package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@code KL(softmax(from) || softmax(to))} of each row of {@code [rows, vocabulary]}, given the log-sum-exp of both.
 * Its gradients go to the logits alone, what flows through the log-sum-exps included.
 */
public final class KlDivergence extends OwnOp {
    private KlDivergence(SDVariable... inputs) {
        super(inputs);
    }

    /** The divergence of each row, {@code [rows]}; the last two are {@link LogSumExp} of the first two. */
    public static SDVariable of(SDVariable from, SDVariable to, SDVariable fromLogSumExp, SDVariable toLogSumExp) {
        return new KlDivergence(from, to, fromLogSumExp, toLogSumExp).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_kl_divergence";
    }

    @Override
    protected boolean differentiable(int input) {
        return input < 2;
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(0)[0]});
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().klDivergence(execution.input(0), execution.input(1), execution.input(2), execution.input(3),
                execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable[] toInputs = {arg(0), arg(1), arg(2), arg(3), backward.upstream()};
        SDVariable[] fromInputs = {arg(0), arg(1), arg(2), arg(3), backward.upstream(), outputVariable()};
        if (backward.wants(0)) {
            LogitsGradient.contribute(backward, 0,
                    (accumulated, type) -> new FromGradient(fromInputs, accumulated, type));
        }
        if (backward.wants(1)) {
            LogitsGradient.contribute(backward, 1, (accumulated, type) -> new ToGradient(toInputs, accumulated, type));
        }
    }

    private static final class FromGradient extends LogitsGradient {
        FromGradient(SDVariable[] inputs, @Nullable SDVariable accumulated, DataType type) {
            super(inputs, accumulated, type);
        }

        @Override
        public String opName() {
            return "finetune4j_kl_divergence_from_gradient";
        }

        @Override
        void execute(Execution execution, @Nullable INDArray addend) {
            execution.kernels().klDivergenceFromGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.input(3), execution.input(5), execution.input(4), addend, execution.output(0));
        }
    }

    private static final class ToGradient extends LogitsGradient {
        ToGradient(SDVariable[] inputs, @Nullable SDVariable accumulated, DataType type) {
            super(inputs, accumulated, type);
        }

        @Override
        public String opName() {
            return "finetune4j_kl_divergence_to_gradient";
        }

        @Override
        void execute(Execution execution, @Nullable INDArray addend) {
            execution.kernels().klDivergenceToGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.input(3), execution.input(4), addend, execution.output(0));
        }
    }
}
