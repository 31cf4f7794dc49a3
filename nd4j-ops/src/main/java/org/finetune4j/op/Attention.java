package org.finetune4j.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Grouped-query attention within each sequence of a packed batch, with the rotary embedding of queries and keys inside or
 * without; causal over all earlier keys, unless the shape's scores say otherwise.
 *
 * <p>query {@code [tokens, heads * headDimension]}, key and value {@code [tokens, keyValueHeads * headDimension]},
 * offsets {@code [sequences + 1]}, positions {@code [tokens]}; for the reverse pass one number per token and head is kept,
 * no score matrix and no turned copy.
 */
public final class Attention extends OwnOp {
    private static final int OFFSETS = 3;
    private static final int POSITIONS = 4;
    private final AttentionShape shape;
    private final @Nullable RotaryTable rotary;

    private Attention(SDVariable[] inputs, AttentionShape shape, @Nullable RotaryTable rotary) {
        super(inputs);
        this.shape = shape;
        this.rotary = rotary;
    }

    /** The attended values {@code [tokens, heads * headDimension]}. */
    public static SDVariable of(SDVariable query, SDVariable key, SDVariable value, SDVariable offsets,
                                AttentionShape shape) {
        return new Attention(new SDVariable[] {query, key, value, offsets}, shape, null).outputVariable();
    }

    /** The attended values {@code [tokens, heads * headDimension]} of queries and keys turned by {@code rotary}. */
    public static SDVariable of(SDVariable query, SDVariable key, SDVariable value, SDVariable offsets,
                                SDVariable positions, RotaryTable rotary, AttentionShape shape) {
        return new Attention(new SDVariable[] {query, key, value, offsets, positions}, shape, rotary).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_attention";
    }

    @Override
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return shape.operations(inputs.get(3).toIntVector());
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(inputs.get(0), inputs.get(0) == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT);
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(inputs.get(0), new long[] {inputs.get(0)[0], shape.heads()});
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().attention(execution.input(0), execution.input(1), execution.input(2),
                execution.input(OFFSETS), shape, rotary(execution, rotary), execution.output(0), execution.output(1));
    }

    @Override
    protected void backward(Backward backward) {
        List<SDVariable> inputs = new ArrayList<>(Arrays.asList(args()));
        inputs.addAll(Arrays.asList(outputVariables()));
        inputs.add(backward.upstream());
        SDVariable[] gradients = new Gradient(inputs.toArray(new SDVariable[0]), shape, rotary).outputVariables();
        for (int i = 0; i < OFFSETS; i++) {
            if (backward.wants(i)) {
                backward.add(i, gradients[i]);
            }
        }
    }

    private static @Nullable RotaryPositions rotary(Execution execution, @Nullable RotaryTable table) {
        return table == null ? null : new RotaryPositions(execution.input(POSITIONS), table);
    }

    /** Reads what attention reads, then its two outputs and the gradient of the first. */
    private static final class Gradient extends OwnOp {
        private final AttentionShape shape;
        private final @Nullable RotaryTable rotary;

        Gradient(SDVariable[] inputs, AttentionShape shape, @Nullable RotaryTable rotary) {
            super(inputs);
            this.shape = shape;
            this.rotary = rotary;
        }

        @Override
        public String opName() {
            return "finetune4j_attention_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return inputs.subList(0, 3);
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return inputs.subList(0, 3);
        }

        /** Without the probabilities, which are computed again. */
        @Override
        protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
            return 2 * shape.operations(inputs.get(3).toIntVector());
        }

        @Override
        protected void execute(Execution execution) {
            int out = rotary == null ? POSITIONS : POSITIONS + 1;
            execution.kernels().attentionGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.input(OFFSETS), shape, rotary(execution, rotary), execution.input(out),
                    execution.input(out + 1), execution.input(out + 2), execution.output(0), execution.output(1),
                    execution.output(2));
        }
    }
}
