package org.finetune4j.op;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A gradient towards logits {@code [rows, vocabulary]}, which takes in what was contributed before, so that no sum of
 * such arrays is a pass of its own, and is written in the type in which the gradient is wanted.
 */
abstract class LogitsGradient extends OwnOp {
    private final DataType type;
    private final boolean adds;
    private final int own;

    /**
     * A gradient made of these inputs, the first of the shape of the logits.
     *
     * @param accumulated what was contributed before, or null
     * @param type        the type of the gradient
     */
    LogitsGradient(SDVariable[] inputs, @Nullable SDVariable accumulated, DataType type) {
        super(withAddend(inputs, accumulated));
        this.type = type;
        this.adds = accumulated != null;
        this.own = inputs.length;
    }

    private static SDVariable[] withAddend(SDVariable[] inputs, @Nullable SDVariable accumulated) {
        if (accumulated == null) {
            return inputs;
        }
        SDVariable[] all = Arrays.copyOf(inputs, inputs.length + 1);
        all[inputs.length] = accumulated;
        return all;
    }

    /** Sets the gradient of input {@code index}, of which {@code contribution} makes the total. */
    static void contribute(Backward backward, int index, Maker contribution) {
        SDVariable accumulated = backward.accumulated(index);
        backward.set(index, contribution.make(accumulated, backward.typeOfTotal(index)).outputVariable());
    }

    /** Makes a gradient. */
    interface Maker {
        LogitsGradient make(@Nullable SDVariable accumulated, DataType type);
    }

    /** Computes the gradient and adds {@code addend} to it. */
    abstract void execute(Execution execution, @Nullable INDArray addend);

    @Override
    protected final void execute(Execution execution) {
        execute(execution, adds ? execution.input(own) : null);
    }

    @Override
    protected final List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(type);
    }

    @Override
    protected final int reusableInput(int output) {
        return adds ? own : -1;
    }
}
