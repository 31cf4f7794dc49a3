package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;

/** Log-probability of each row's label: logits {@code [rows, vocabulary]}, labels {@code [rows]}, result {@code [rows]}. */
public final class LogProbability extends OwnOp {
    private LogProbability(SDVariable logits, SDVariable labels) {
        super(logits, labels);
    }

    /** {@code log softmax(logits[r])[labels[r]]}. */
    public static SDVariable of(SDVariable logits, SDVariable labels) {
        return new LogProbability(logits, labels).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_log_probability";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(inputs.get(1));
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().logProbability(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(arg(0), arg(1), backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable logits, SDVariable labels, SDVariable upstream) {
            super(logits, labels, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_log_probability_gradient";
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().logProbabilityGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.output(0));
        }
    }
}
