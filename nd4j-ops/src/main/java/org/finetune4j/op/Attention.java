package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.AttentionShape;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Causal grouped-query attention within each sequence of a packed batch.
 *
 * <p>query {@code [tokens, heads * headDimension]}, key and value {@code [tokens, keyValueHeads * headDimension]},
 * offsets {@code [sequences + 1]}; no score matrix is kept for the reverse pass.
 */
public final class Attention extends OwnOp {
    private final AttentionShape shape;

    private Attention(SDVariable query, SDVariable key, SDVariable value, SDVariable offsets, AttentionShape shape) {
        super(query, key, value, offsets);
        this.shape = shape;
    }

    /** The attended values {@code [tokens, heads * headDimension]}. */
    public static SDVariable of(SDVariable query, SDVariable key, SDVariable value, SDVariable offsets,
                                AttentionShape shape) {
        return new Attention(query, key, value, offsets, shape).outputVariable();
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
    protected void execute(Execution execution) {
        execution.kernels().attention(execution.input(0), execution.input(1), execution.input(2), execution.input(3),
                shape, execution.output(0));
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable[] gradients = new Gradient(arg(0), arg(1), arg(2), arg(3), outputVariables()[0],
                backward.upstream(), shape).outputVariables();
        for (int i = 0; i < 3; i++) {
            if (backward.wants(i)) {
                backward.add(i, gradients[i]);
            }
        }
    }

    private static final class Gradient extends OwnOp {
        private final AttentionShape shape;

        Gradient(SDVariable query, SDVariable key, SDVariable value, SDVariable offsets, SDVariable out,
                 SDVariable upstream, AttentionShape shape) {
            super(query, key, value, offsets, out, upstream);
            this.shape = shape;
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
            execution.kernels().attentionGradient(execution.input(0), execution.input(1), execution.input(2),
                    execution.input(3), shape, execution.input(4), execution.input(5), execution.output(0),
                    execution.output(1), execution.output(2));
        }
    }
}
