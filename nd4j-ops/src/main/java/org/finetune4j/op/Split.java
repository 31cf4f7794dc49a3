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
 * Deals out the columns of a matrix that several linear layers have made together, such as query, key and value.
 *
 * <p>Of every run of {@code period} numbers of a row the first {@code counts[0]} go to output 0, the next {@code counts[1]}
 * to output 1, and so on: x {@code [tokens, runs * period]}, output i {@code [tokens, runs * counts[i]]}.
 */
public final class Split extends OwnOp {
    private final int[] counts;

    private Split(SDVariable x, int[] counts) {
        super(x);
        this.counts = counts;
    }

    /**
     * The parts, one for each count.
     *
     * @param period the sum of the counts, which divides the width of x
     * @param counts at least 1 each
     */
    public static SDVariable[] of(SDVariable x, int period, int... counts) {
        if (counts.length == 0 || Arrays.stream(counts).anyMatch(count -> count < 1)
                || Arrays.stream(counts).asLongStream().sum() != period) {
            throw new IllegalArgumentException("a split of every " + period + " numbers into " + Arrays.toString(counts)
                    + "; the counts must be at least 1 each and come to the period");
        }
        return new Split(x, counts.clone()).outputVariables();
    }

    @Override
    public String opName() {
        return "finetune4j_split";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return Arrays.stream(counts).mapToObj(count -> inputs.get(0)).toList();
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        long[] x = inputs.get(0);
        int period = Arrays.stream(counts).sum();
        if (x.length != 2 || x[1] % period != 0) {
            throw new IllegalArgumentException("a split of an array of shape " + Arrays.toString(x) + " into runs of "
                    + period + " numbers, which do not divide its width");
        }
        return Arrays.stream(counts).mapToObj(count -> new long[] {x[0], x[1] / period * count}).toList();
    }

    @Override
    protected void execute(Execution execution) {
        List<INDArray> outs = new ArrayList<>();
        for (int i = 0; i < counts.length; i++) {
            outs.add(execution.output(i));
        }
        execution.kernels().split(execution.input(0), counts, outs);
    }

    @Override
    protected void backward(Backward backward) {
        if (!backward.wants(0)) {
            return;
        }
        List<SDVariable> inputs = new ArrayList<>(List.of(arg(0)));
        boolean[] arrives = new boolean[counts.length];
        for (int i = 0; i < counts.length; i++) {
            SDVariable upstream = backward.upstream(i);
            arrives[i] = upstream != null;
            if (upstream != null) {
                inputs.add(upstream);
            }
        }
        backward.add(0, new Gradient(inputs.toArray(new SDVariable[0]), counts, arrives).outputVariable());
    }

    /** Joins the gradients of those parts to which one arrives; it reads the shape of x alone. */
    private static final class Gradient extends OwnOp {
        private final int[] counts;
        private final boolean[] arrives;

        Gradient(SDVariable[] inputs, int[] counts, boolean[] arrives) {
            super(inputs);
            this.counts = counts;
            this.arrives = arrives;
        }

        @Override
        public String opName() {
            return "finetune4j_split_gradient";
        }

        @Override
        protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
            return bytes(inputs.subList(1, inputs.size())) + bytes(outputs);
        }

        @Override
        protected void execute(Execution execution) {
            List<@Nullable INDArray> parts = new ArrayList<>();
            int next = 1;
            for (boolean part : arrives) {
                parts.add(part ? execution.input(next++) : null);
            }
            execution.kernels().join(parts, counts, execution.output(0));
        }
    }
}
