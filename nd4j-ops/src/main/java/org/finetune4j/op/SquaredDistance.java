package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.Kernels;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The sum of the squared differences of an array to a constant target, towards which no gradient flows. */
public final class SquaredDistance extends OwnOp {
    private SquaredDistance(SDVariable x, SDVariable target) {
        super(x, target);
    }

    /** {@code sum((x - target)^2)}, {@code [1]}; both FLOAT or DOUBLE and of one shape. */
    public static SDVariable of(SDVariable x, SDVariable target) {
        return new SquaredDistance(x, target).outputVariables()[0];
    }

    @Override
    public String opName() {
        return "finetune4j_squared_distance";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(inputs.get(0), inputs.get(0));
    }

    /** The sum, and the differences for the reverse pass. */
    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {1}, inputs.get(0));
    }

    @Override
    protected void execute(Execution execution) {
        Kernels kernels = execution.kernels();
        INDArray differences = execution.output(1);
        kernels.scale(execution.input(1), -1, differences);
        kernels.add(execution.input(0), differences, differences);
        execution.output(0).putScalar(0, kernels.squaredNorm(differences));
    }

    @Override
    protected boolean differentiable(int input) {
        return input == 0;
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(outputVariables()[1], backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable differences, SDVariable upstream) {
            super(differences, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_squared_distance_gradient";
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().scale(execution.input(0), 2 * execution.input(1).getDouble(0), execution.output(0));
        }
    }
}
