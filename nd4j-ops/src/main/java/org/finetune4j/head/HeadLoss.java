package org.finetune4j.head;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The fused head: projects hidden states of supervised tokens to logits and applies a token loss, a chunk of tokens at a
 * time, so that logits never exist for all of them.
 *
 * <p>Inputs: hidden {@code [supervised, hidden]}, head weight {@code [vocabulary, hidden]}, labels {@code [supervised]},
 * weights {@code [supervised]}, and where the token loss needs it the reference's hidden states and head weight, which may
 * be of another width.
 * Outputs: the weighted sum of token losses {@code [1]}, and the per-token values {@code [values, supervised]}.
 *
 * <p>The gradient operation recomputes the logits of each chunk and pushes their gradient into hidden states and weight
 * before the next chunk; it also yields both outputs, so that a training step runs it alone.
 */
public final class HeadLoss extends OwnOp {
    private final ChunkedHead head;
    private List<SDVariable> replacements = List.of();

    private HeadLoss(SDVariable[] inputs, ChunkedHead head) {
        super(inputs);
        this.head = head;
    }

    /** Adds the head to the graph of {@code hidden}; reference variables are null where they are not needed. */
    public static HeadLoss of(SDVariable hidden, SDVariable weight, SDVariable labels, SDVariable weights,
                              @Nullable SDVariable referenceHidden, @Nullable SDVariable referenceWeight,
                              ChunkedHead head) {
        List<SDVariable> inputs = new ArrayList<>(List.of(hidden, weight, labels, weights));
        if (referenceHidden != null && referenceWeight != null) {
            inputs.add(referenceHidden);
            inputs.add(referenceWeight);
        }
        return new HeadLoss(inputs.toArray(new SDVariable[0]), head);
    }

    /** The weighted sum of token losses, {@code [1]}. */
    public SDVariable loss() {
        return outputVariables()[0];
    }

    /** The per-token values, {@code [values, supervised]}. */
    public SDVariable values() {
        return outputVariables()[1];
    }

    /**
     * After the reverse pass: variables that hold the same as {@link #loss()} and {@link #values()}, made by the
     * gradient operation; empty when no gradient was built.
     */
    public List<SDVariable> replacements() {
        return replacements;
    }

    @Override
    public String opName() {
        return "finetune4j_head_loss";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(inputs.get(3), inputs.get(3));
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(new long[] {1}, new long[] {head.valueNames().size(), inputs.get(2)[0]});
    }

    @Override
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return products(inputs, 1, args().length > 4);
    }

    /** The operations of so many products of the hidden states and the head's weight, and of one of the reference's. */
    private static double products(List<INDArray> inputs, int count, boolean reference) {
        return 2.0 * inputs.get(1).size(0)
                * (count * inputs.get(0).length() + (reference ? inputs.get(4).length() : 0));
    }

    @Override
    protected void execute(Execution execution) {
        boolean reference = args().length > 4;
        head.run(execution.kernels(), execution.input(0), execution.input(1), execution.input(2), execution.input(3),
                reference ? execution.input(4) : null, reference ? execution.input(5) : null, 1, execution.output(0),
                execution.output(1), null, null, false);
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable[] inputs = new SDVariable[args().length + 1];
        System.arraycopy(args(), 0, inputs, 0, args().length);
        inputs[args().length] = backward.upstream();
        boolean wantsHidden = backward.wants(0);
        boolean wantsWeight = backward.wants(1);
        SDVariable[] outputs = new Gradient(inputs, head, wantsHidden, wantsWeight).outputVariables();
        replacements = List.of(outputs[0], outputs[1]);
        if (wantsHidden) {
            backward.add(0, outputs[2]);
        }
        if (wantsWeight) {
            backward.add(1, outputs[outputs.length - 1]);
        }
    }

    private static final class Gradient extends OwnOp {
        private final ChunkedHead head;
        private final boolean wantsHidden;
        private final boolean wantsWeight;
        private final int upstream;

        Gradient(SDVariable[] inputs, ChunkedHead head, boolean wantsHidden, boolean wantsWeight) {
            super(inputs);
            this.head = head;
            this.wantsHidden = wantsHidden;
            this.wantsWeight = wantsWeight;
            this.upstream = inputs.length - 1;
        }

        @Override
        public String opName() {
            return "finetune4j_head_loss_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            List<DataType> types = new ArrayList<>(List.of(inputs.get(3), inputs.get(3)));
            if (wantsHidden) {
                types.add(inputs.get(0));
            }
            if (wantsWeight) {
                types.add(inputs.get(3));
            }
            return types;
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            List<long[]> shapes = new ArrayList<>();
            shapes.add(new long[] {1});
            shapes.add(new long[] {head.valueNames().size(), inputs.get(2)[0]});
            if (wantsHidden) {
                shapes.add(inputs.get(0));
            }
            if (wantsWeight) {
                shapes.add(inputs.get(1));
            }
            return shapes;
        }

        @Override
        protected Write write(int index) {
            return index >= 2 && (index == 3 || !wantsHidden) ? Write.EITHER : Write.REPLACE;
        }

        @Override
        protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
            return products(inputs, 1 + (wantsHidden ? 1 : 0) + (wantsWeight ? 1 : 0), upstream > 4);
        }

        @Override
        protected void execute(Execution execution) {
            boolean reference = upstream > 4;
            int weightOutput = wantsHidden ? 3 : 2;
            head.run(execution.kernels(), execution.input(0), execution.input(1), execution.input(2),
                    execution.input(3), reference ? execution.input(4) : null,
                    reference ? execution.input(5) : null, execution.input(upstream).getDouble(0),
                    execution.output(0), execution.output(1), wantsHidden ? execution.output(2) : null,
                    wantsWeight ? execution.output(weightOutput) : null,
                    wantsWeight && execution.accumulates(weightOutput));
        }
    }
}
