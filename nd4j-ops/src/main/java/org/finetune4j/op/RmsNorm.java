package org.finetune4j.op;

import java.util.List;
import java.util.ArrayList;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Root-mean-square normalisation of rows (arXiv 1910.07467): x {@code [tokens, hidden]}, weight {@code [hidden]}. */
public final class RmsNorm extends OwnOp {
    private final double epsilon;

    private RmsNorm(SDVariable x, SDVariable weight, double epsilon) {
        super(x, weight);
        this.epsilon = epsilon;
    }

    /** {@code weight * x / sqrt(mean(x^2) + epsilon)}. */
    public static SDVariable of(SDVariable x, SDVariable weight, double epsilon) {
        return new RmsNorm(x, weight, epsilon).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_rms_norm";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().rmsNorm(execution.input(0), execution.input(1), epsilon, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        boolean wantsInput = backward.wants(0);
        boolean wantsWeight = backward.wants(1);
        // Along the residual stream another gradient has come already, and is added where this one is made.
        SDVariable accumulated = wantsInput ? backward.accumulated(0) : null;
        SDVariable[] inputs = accumulated == null ? new SDVariable[] {arg(0), arg(1), backward.upstream()}
                : new SDVariable[] {arg(0), arg(1), backward.upstream(), accumulated};
        SDVariable[] gradients = new Gradient(inputs, epsilon, wantsInput, wantsWeight).outputVariables();
        if (wantsInput) {
            backward.set(0, gradients[0]);
        }
        if (wantsWeight) {
            backward.add(1, gradients[gradients.length - 1]);
        }
    }

    private static final class Gradient extends OwnOp {
        private static final int ADDEND = 3;
        private final double epsilon;
        private final boolean wantsInput;
        private final boolean wantsWeight;

        Gradient(SDVariable[] inputs, double epsilon, boolean wantsInput, boolean wantsWeight) {
            super(inputs);
            this.epsilon = epsilon;
            this.wantsInput = wantsInput;
            this.wantsWeight = wantsWeight;
        }

        @Override
        public String opName() {
            return "finetune4j_rms_norm_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            List<DataType> types = new ArrayList<>();
            if (wantsInput) {
                types.add(inputs.get(0));
            }
            if (wantsWeight) {
                types.add(FullPrecision.of(inputs.get(1)));
            }
            return types;
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            List<long[]> shapes = new ArrayList<>();
            if (wantsInput) {
                shapes.add(inputs.get(0));
            }
            if (wantsWeight) {
                shapes.add(inputs.get(1));
            }
            return shapes;
        }

        @Override
        protected int reusableInput(int output) {
            return output == 0 && args().length > ADDEND ? ADDEND : -1;
        }

        @Override
        protected Write write(int index) {
            return wantsInput && index == 0 ? Write.REPLACE : Write.ADD;
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().rmsNormGradient(execution.input(0), execution.input(1), epsilon, execution.input(2),
                    args().length > ADDEND ? execution.input(ADDEND) : null, wantsInput ? execution.output(0) : null,
                    wantsWeight ? execution.output(wantsInput ? 1 : 0) : null);
        }
    }
}
