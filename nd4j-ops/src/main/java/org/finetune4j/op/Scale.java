package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** A scaled copy, in another type where asked. */
public final class Scale extends OwnOp {
    private final double factor;
    private final DataType type;

    private Scale(SDVariable x, double factor, DataType type) {
        super(x);
        this.factor = factor;
        this.type = type;
    }

    /** {@code x} in another floating-point type. */
    public static SDVariable cast(SDVariable x, DataType type) {
        return new Scale(x, 1, type).outputVariable();
    }

    /** {@code factor * x} in the type of x. */
    public static SDVariable by(SDVariable x, double factor) {
        return new Scale(x, factor, x.dataType()).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_scale";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(type);
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().scale(execution.input(0), factor, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Scale(backward.upstream(), factor, arg(0).dataType()).outputVariable());
        }
    }
}
