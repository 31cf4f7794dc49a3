package org.finetune4j.op;

import java.util.List;
import java.util.Collections;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** {@code KL(softmax(from) || softmax(to))} of each row of {@code [rows, vocabulary]}. */
public final class KlDivergence extends OwnOp {
    private KlDivergence(SDVariable from, SDVariable to) {
        super(from, to);
    }

    /** The divergence of each row, {@code [rows]}. */
    public static SDVariable of(SDVariable from, SDVariable to) {
        return new KlDivergence(from, to).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_kl_divergence";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {inputs.get(0)[0]});
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().klDivergence(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        boolean wantsFrom = backward.wants(0);
        boolean wantsTo = backward.wants(1);
        SDVariable[] gradients =
                new Gradient(arg(0), arg(1), backward.upstream(), wantsFrom, wantsTo).outputVariables();
        if (wantsFrom) {
            backward.add(0, gradients[0]);
        }
        if (wantsTo) {
            backward.add(1, gradients[gradients.length - 1]);
        }
    }

    private static final class Gradient extends OwnOp {
        private final boolean wantsFrom;
        private final boolean wantsTo;

        Gradient(SDVariable from, SDVariable to, SDVariable upstream, boolean wantsFrom, boolean wantsTo) {
            super(from, to, upstream);
            this.wantsFrom = wantsFrom;
            this.wantsTo = wantsTo;
        }

        @Override
        public String opName() {
            return "finetune4j_kl_divergence_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return Collections.nCopies(wantsFrom && wantsTo ? 2 : 1, inputs.get(0));
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return Collections.nCopies(wantsFrom && wantsTo ? 2 : 1, inputs.get(0));
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().klDivergenceGradient(execution.input(0), execution.input(1), execution.input(2),
                    wantsFrom ? execution.output(0) : null,
                    wantsTo ? execution.output(wantsFrom ? 1 : 0) : null);
        }
    }
}
