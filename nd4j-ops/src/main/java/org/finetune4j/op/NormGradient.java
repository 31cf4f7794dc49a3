package org.finetune4j.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The gradients of a normalisation towards those of its input, weight and bias that want one. What was contributed to the
 * input's gradient before is added where this one is made, which along the residual stream saves a pass.
 */
final class NormGradient extends OwnOp {
    private static final int UPSTREAM = 2;
    private static final int ADDEND = 3;
    private final Norm norm;
    /** For each input of the normalisation the output that is its gradient, or -1. */
    private final int[] outputOf;

    /** Calls the gradient's kernel; an array is null where it is not given or not wanted. */
    interface Norm {
        void gradient(Execution execution, @Nullable INDArray addend, @Nullable INDArray inputGradient,
                      @Nullable INDArray weightGradient, @Nullable INDArray biasGradient);
    }

    private NormGradient(SDVariable[] inputs, int[] outputOf, Norm norm) {
        super(inputs);
        this.outputOf = outputOf;
        this.norm = norm;
    }

    /** Sets the gradients of a normalisation of these inputs: x, weight, and where it has one the bias. */
    static void contribute(Backward backward, SDVariable[] inputs, Norm norm) {
        int[] outputOf = new int[ADDEND];
        Arrays.fill(outputOf, -1);
        int outputs = 0;
        for (int i = 0; i < inputs.length; i++) {
            if (backward.wants(i)) {
                outputOf[i] = outputs++;
            }
        }
        SDVariable accumulated = backward.wants(0) ? backward.accumulated(0) : null;
        SDVariable[] all = accumulated == null ? new SDVariable[] {inputs[0], inputs[1], backward.upstream()}
                : new SDVariable[] {inputs[0], inputs[1], backward.upstream(), accumulated};
        SDVariable[] gradients = new NormGradient(all, outputOf, norm).outputVariables();
        for (int i = 0; i < inputs.length; i++) {
            if (i == 0 && outputOf[0] >= 0) {
                backward.set(0, gradients[0]);
            } else if (outputOf[i] >= 0) {
                backward.add(i, gradients[outputOf[i]]);
            }
        }
    }

    @Override
    public String opName() {
        return "finetune4j_norm_gradient";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        List<DataType> types = new ArrayList<>();
        for (int i = 0; i < outputOf.length; i++) {
            if (outputOf[i] >= 0) {
                types.add(i == 0 ? inputs.get(0) : FullPrecision.of(inputs.get(1)));
            }
        }
        return types;
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        List<long[]> shapes = new ArrayList<>();
        for (int i = 0; i < outputOf.length; i++) {
            if (outputOf[i] >= 0) {
                shapes.add(inputs.get(i == 0 ? 0 : 1));
            }
        }
        return shapes;
    }

    @Override
    protected int reusableInput(int output) {
        return output == outputOf[0] && args().length > ADDEND ? ADDEND : -1;
    }

    @Override
    protected Write write(int index) {
        return index == outputOf[0] ? Write.REPLACE : Write.ADD;
    }

    @Override
    protected void execute(Execution execution) {
        norm.gradient(execution, args().length > ADDEND ? execution.input(ADDEND) : null, wanted(execution, 0),
                wanted(execution, 1), wanted(execution, 2));
    }

    private @Nullable INDArray wanted(Execution execution, int input) {
        return outputOf[input] < 0 ? null : execution.output(outputOf[input]);
    }

    /** The gradient that arrives. */
    static INDArray upstream(Execution execution) {
        return execution.input(UPSTREAM);
    }
}
