package org.finetune4j.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A linear layer of each expert for its own rows: x {@code [rows, i]}, offsets {@code [experts + 1]}, weights {@code [o, i]},
 * result {@code [rows, o]}. Experts without rows take no time. Frozen weights may be of bytes with scales {@code [o]}.
 */
final class ExpertLinear extends OwnOp {
    private static final int FIRST = 2;
    private final int experts;
    private final boolean scaled;

    private ExpertLinear(SDVariable[] inputs, int experts, boolean scaled) {
        super(inputs);
        this.experts = experts;
        this.scaled = scaled;
    }

    /** {@code x weight_e^T} for the rows of every expert {@code e}. */
    static SDVariable of(SDVariable x, SDVariable offsets, List<SDVariable> weights, @Nullable List<SDVariable> scales) {
        return new ExpertLinear(inputs(x, offsets, weights, scales), weights.size(), scales != null).outputVariable();
    }

    private static SDVariable[] inputs(SDVariable x, SDVariable offsets, List<SDVariable> weights,
                                       @Nullable List<SDVariable> scales) {
        List<SDVariable> inputs = new ArrayList<>(List.of(x, offsets));
        inputs.addAll(weights);
        if (scales != null) {
            inputs.addAll(scales);
        }
        return inputs.toArray(new SDVariable[0]);
    }

    @Override
    public String opName() {
        return "finetune4j_expert_linear";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        long[] x = inputs.get(0);
        long[] weight = inputs.get(FIRST);
        for (int e = 0; e < experts; e++) {
            long[] other = inputs.get(FIRST + e);
            if (inputs.get(1)[0] != experts + 1 || !Arrays.equals(weight, other) || other[1] != x[1]) {
                throw new IllegalArgumentException("the weight of expert " + e + " of shape " + Arrays.toString(other)
                        + " for rows of shape " + Arrays.toString(x) + ", beside that of expert 0 of shape "
                        + Arrays.toString(weight) + " and " + (inputs.get(1)[0] - 1) + " experts in the router's logits; "
                        + "there must be a weight for each, all of one shape");
            }
        }
        return List.of(new long[] {x[0], weight[0]});
    }

    @Override
    protected boolean differentiable(int input) {
        return input != 1;
    }

    @Override
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return 2.0 * outputs.get(0).length() * inputs.get(0).size(1);
    }

    @Override
    protected void execute(Execution execution) {
        multiply(execution, experts, scaled, true);
    }

    /** The rows of every expert times its weight, or turned round its weight as it lies. */
    private static void multiply(Execution execution, int experts, boolean scaled, boolean transposed) {
        int[] offsets = execution.input(1).toIntVector();
        List<ProductSum> sums = new ArrayList<>();
        for (int e = 0; e < experts; e++) {
            if (offsets[e] < offsets[e + 1]) {
                Product product = new Product(rows(execution.input(0), offsets, e), false, execution.input(FIRST + e),
                        transposed, 1, scaled ? execution.input(FIRST + experts + e) : null);
                sums.add(new ProductSum(List.of(product), null, rows(execution.output(0), offsets, e), false));
            }
        }
        execution.kernels().products(sums);
    }

    private static INDArray rows(INDArray all, int[] offsets, int expert) {
        return all.get(NDArrayIndex.interval(offsets[expert], offsets[expert + 1]), NDArrayIndex.all());
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable upstream = backward.upstream();
        if (backward.wants(0)) {
            SDVariable[] inputs = args().clone();
            inputs[0] = upstream;
            backward.add(0, new InputGradient(inputs, experts, scaled).outputVariable());
        }
        int[] wanted = IntStream.range(0, experts).filter(e -> backward.wants(FIRST + e)).toArray();
        if (wanted.length > 0 && scaled) {
            throw new IllegalStateException("a weight of bytes is frozen, but a gradient towards it is wanted");
        }
        if (wanted.length > 0) {
            DataType own = arg(FIRST).dataType();
            boolean wide = own == DataType.BFLOAT16 && Arrays.stream(wanted).allMatch(e -> backward.collects(FIRST + e));
            SDVariable[] gradients = new WeightGradient(arg(0), arg(1), upstream, wanted, wide ? DataType.FLOAT : own)
                    .outputVariables();
            for (int i = 0; i < wanted.length; i++) {
                backward.add(FIRST + wanted[i], gradients[i]);
            }
        }
    }

    /** Reads what the layer reads, with the gradient that arrives in the place of x. */
    private static final class InputGradient extends OwnOp {
        private final int experts;
        private final boolean scaled;

        InputGradient(SDVariable[] inputs, int experts, boolean scaled) {
            super(inputs);
            this.experts = experts;
            this.scaled = scaled;
        }

        @Override
        public String opName() {
            return "finetune4j_expert_linear_input_gradient";
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return List.of(new long[] {inputs.get(0)[0], inputs.get(FIRST)[1]});
        }

        @Override
        protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
            return 2.0 * outputs.get(0).length() * inputs.get(0).size(1);
        }

        @Override
        protected void execute(Execution execution) {
            multiply(execution, experts, scaled, false);
        }
    }

    /** The gradients towards the weights of the experts that train; zero where an expert has no rows. */
    private static final class WeightGradient extends OwnOp {
        private final int[] wanted;
        private final DataType type;

        WeightGradient(SDVariable x, SDVariable offsets, SDVariable upstream, int[] wanted, DataType type) {
            super(x, offsets, upstream);
            this.wanted = wanted;
            this.type = type;
        }

        @Override
        public String opName() {
            return "finetune4j_expert_linear_weight_gradient";
        }

        @Override
        protected List<DataType> outputTypes(List<DataType> inputs) {
            return Arrays.stream(wanted).mapToObj(e -> type).toList();
        }

        @Override
        protected List<long[]> outputShapes(List<long[]> inputs) {
            return Arrays.stream(wanted).mapToObj(e -> new long[] {inputs.get(2)[1], inputs.get(0)[1]}).toList();
        }

        @Override
        protected Write write(int index) {
            return Write.EITHER;
        }

        @Override
        protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
            return 2.0 * inputs.get(0).length() * inputs.get(2).size(1);
        }

        @Override
        protected void execute(Execution execution) {
            int[] offsets = execution.input(1).toIntVector();
            List<ProductSum> sums = new ArrayList<>();
            for (int i = 0; i < wanted.length; i++) {
                int e = wanted[i];
                if (offsets[e] < offsets[e + 1]) {
                    Product product = new Product(rows(execution.input(2), offsets, e), true,
                            rows(execution.input(0), offsets, e), false, 1, null);
                    sums.add(new ProductSum(List.of(product), null, execution.output(i), execution.accumulates(i)));
                } else if (!execution.accumulates(i)) {
                    execution.output(i).assign(0);
                }
            }
            execution.kernels().products(sums);
        }
    }
}
