package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Gated activation {@code gate * sigmoid(gate) * up} (arXiv 2002.05202), element-wise. */
public final class SwiGlu extends OwnOp {
    private SwiGlu(SDVariable gate, SDVariable up) {
        super(gate, up);
    }

    /** {@code gate * sigmoid(gate) * up}. */
    public static SDVariable of(SDVariable gate, SDVariable up) {
        return new SwiGlu(gate, up).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_swiglu";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().swiglu(execution.input(0), execution.input(1), execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable[] gradients = new Gradient(arg(0), arg(1), backward.upstream()).outputVariables();
        for (int i = 0; i < 2; i++) {
            if (backward.wants(i)) {
                backward.add(i, gradients[i]);
            }
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable gate, SDVariable up, SDVariable upstream) {
            super(gate, up, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_swiglu_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return inputs.subList(0, 2);
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return inputs.subList(0, 2);
        }

        @Override
        protected int reusableInput(int output) {
            return output;
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().swigluGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.output(0), execution.output(1));
        }
    }
}
