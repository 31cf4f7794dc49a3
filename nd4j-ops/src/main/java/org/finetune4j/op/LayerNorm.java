package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Layer normalisation of rows (arXiv 1607.06450), with the biased variance: x {@code [tokens, hidden]}, weight and bias
 * {@code [hidden]}.
 */
public final class LayerNorm extends OwnOp {
    private final double epsilon;

    private LayerNorm(SDVariable[] inputs, double epsilon) {
        super(inputs);
        this.epsilon = epsilon;
    }

    /** {@code weight * (x - mean) / sqrt(variance + epsilon) + bias}, of the shape of x; without bias where it is null. */
    public static SDVariable of(SDVariable x, SDVariable weight, @Nullable SDVariable bias, double epsilon) {
        SDVariable[] inputs = bias == null ? new SDVariable[] {x, weight} : new SDVariable[] {x, weight, bias};
        return new LayerNorm(inputs, epsilon).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_layer_norm";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().layerNorm(execution.input(0), execution.input(1),
                args().length > 2 ? execution.input(2) : null, epsilon, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        double added = epsilon;
        NormGradient.contribute(backward, args(), (execution, addend, inputGradient, weightGradient, biasGradient) ->
                execution.kernels().layerNormGradient(execution.input(0), execution.input(1), added,
                        NormGradient.upstream(execution), addend, inputGradient, weightGradient, biasGradient));
    }
}
