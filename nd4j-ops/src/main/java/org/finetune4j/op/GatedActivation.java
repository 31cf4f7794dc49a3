package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Gated activation {@code kind(gate) * up} (arXiv 2002.05202), element-wise; with SILU it is SwiGLU, with GELU GeGLU. */
public final class GatedActivation extends OwnOp {
    private final Activation.Kind kind;

    private GatedActivation(SDVariable gate, SDVariable up, Activation.Kind kind) {
        super(gate, up);
        this.kind = kind;
    }

    /** {@code kind(gate) * up}, of the shape of both. */
    public static SDVariable of(SDVariable gate, SDVariable up, Activation.Kind kind) {
        return new GatedActivation(gate, up, kind).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_gated_activation";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().gatedActivation(execution.input(0), execution.input(1), kind, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable[] gradients = new Gradient(arg(0), arg(1), backward.upstream(), kind).outputVariables();
        for (int i = 0; i < 2; i++) {
            if (backward.wants(i)) {
                backward.add(i, gradients[i]);
            }
        }
    }

    private static final class Gradient extends OwnOp {
        private final Activation.Kind kind;

        Gradient(SDVariable gate, SDVariable up, SDVariable upstream, Activation.Kind kind) {
            super(gate, up, upstream);
            this.kind = kind;
        }

        @Override
        public String opName() {
            return "finetune4j_gated_activation_gradient";
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
            execution.kernels().gatedActivationGradient(execution.input(0), execution.input(1), kind,
                    execution.input(2), execution.output(0), execution.output(1));
        }
    }
}
