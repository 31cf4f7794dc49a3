package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code log sum exp} of each row of {@code [rows, vocabulary]}. */
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
            backward.add(0, new Gradient(arg(0), backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable logits, SDVariable upstream) {
            super(logits, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_log_sum_exp_gradient";
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().logSumExpGradient(execution.input(0), execution.input(1), execution.output(0));
        }
    }
}
