package org.finetune4j.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Matrix product {@code factor * op(a) op(b) + addend}; linear layers, LoRA branches and all their gradients are this
 * operation.
 *
 * <p>{@code op(a) [m, k]}, {@code op(b) [k, n]}, addend and result {@code [m, n]}. A frozen {@code b} may be of bytes with a
 * scale for each of its rows.
 */
public final class MatMul extends OwnOp {
    private final boolean transposeA;
    private final boolean transposeB;
    private final double factor;
    private final DataType type;
    private final boolean added;
    private final boolean scaled;

    private MatMul(SDVariable[] inputs, boolean transposeA, boolean transposeB, double factor, DataType type,
                   boolean added, boolean scaled) {
        super(inputs);
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        this.factor = factor;
        this.type = type;
        this.added = added;
        this.scaled = scaled;
    }

    /** A linear layer without bias: {@code x weight^T}; x {@code [tokens, i]}, weight {@code [o, i]}. */
    public static SDVariable linear(SDVariable x, SDVariable weight) {
        return of(x, false, weight, true, 1, x.dataType(), null, null);
    }

    /** A linear layer whose frozen weight is of bytes {@code [o, i]} with scales {@code [o]}. */
    public static SDVariable linear(SDVariable x, SDVariable weight, SDVariable scales) {
        return of(x, false, weight, true, 1, x.dataType(), null, scales);
    }

    /** {@code addend + factor * x weight^T}. */
    public static SDVariable linearAdd(SDVariable addend, double factor, SDVariable x, SDVariable weight) {
        return of(x, false, weight, true, factor, x.dataType(), addend, null);
    }

    /** {@code factor * op(a) op(b) + addend} in the given type, which is that of {@code a} or FLOAT. */
    public static SDVariable of(SDVariable a, boolean transposeA, SDVariable b, boolean transposeB, double factor,
                                DataType type, @Nullable SDVariable addend) {
        return of(a, transposeA, b, transposeB, factor, type, addend, null);
    }

    private static SDVariable of(SDVariable a, boolean transposeA, SDVariable b, boolean transposeB, double factor,
                                 DataType type, @Nullable SDVariable addend, @Nullable SDVariable scales) {
        List<SDVariable> inputs = new ArrayList<>(List.of(a, b));
        if (addend != null) {
            inputs.add(addend);
        }
        if (scales != null) {
            inputs.add(scales);
        }
        return new MatMul(inputs.toArray(new SDVariable[0]), transposeA, transposeB, factor, type, addend != null,
                scales != null).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_matmul";
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(type);
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(productShape(inputs.get(0), transposeA, inputs.get(1), transposeB));
    }

    /** The shape of {@code op(a) op(b)}. */
    static long[] productShape(long[] a, boolean transposeA, long[] b, boolean transposeB) {
        if (a.length != 2 || b.length != 2 || a[transposeA ? 0 : 1] != b[transposeB ? 1 : 0]) {
            throw new IllegalArgumentException("matrix product of " + Arrays.toString(a) + (transposeA ? "^T" : "")
                    + " and " + Arrays.toString(b) + (transposeB ? "^T" : "") + ": inner sizes differ");
        }
        return new long[] {a[transposeA ? 1 : 0], b[transposeB ? 0 : 1]};
    }

    boolean transposesA() {
        return transposeA;
    }

    boolean transposesB() {
        return transposeB;
    }

    double factor() {
        return factor;
    }

    DataType type() {
        return type;
    }

    /** The place of the addend among the inputs, or -1. */
    int addendInput() {
        return added ? 2 : -1;
    }

    /** The place of the scales of {@code b} among the inputs, or -1. */
    int scalesInput() {
        return !scaled ? -1 : added ? 3 : 2;
    }

    @Override
    protected Write write(int index) {
        return added ? Write.REPLACE : Write.EITHER;
    }

    @Override
    protected int reusableInput(int output) {
        return addendInput();
    }

    @Override
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return 2.0 * outputs.get(0).length() * inputs.get(0).size(transposeA ? 0 : 1);
    }

    @Override
    protected List<Integer> rightFactors() {
        return transposeA || transposeB || scaled ? List.of() : List.of(1);
    }

    @Override
    protected void execute(Execution execution) {
        Product product = new Product(execution.input(0), transposeA, execution.input(1), transposeB, factor,
                scaled ? execution.input(scalesInput()) : null);
        execution.kernels().products(List.of(new ProductSum(List.of(product),
                added ? execution.input(addendInput()) : null, execution.output(0), execution.accumulates(0))));
    }

    @Override
    protected void backward(Backward backward) {
        SDVariable a = arg(0);
        SDVariable b = arg(1);
        SDVariable upstream = backward.upstream();
        SDVariable gradient = upstream.dataType() == a.dataType() ? upstream : Scale.cast(upstream, a.dataType());
        if (backward.wants(0)) {
            contribute(backward, 0, transposeA ? b : gradient, transposeA && transposeB, transposeA ? gradient : b,
                    transposeA || !transposeB);
        }
        if (backward.wants(1) && scaled) {
            throw new IllegalStateException("a weight of bytes is frozen, but a gradient towards it is wanted");
        }
        if (backward.wants(1)) {
            contribute(backward, 1, transposeB ? gradient : a, transposeB || !transposeA, transposeB ? a : gradient,
                    transposeB && transposeA);
        }
        if (added && backward.wants(addendInput())) {
            backward.add(addendInput(), upstream);
        }
    }

    private void contribute(Backward backward, int input, SDVariable left, boolean transposeLeft, SDVariable right,
                            boolean transposeRight) {
        DataType own = arg(input).dataType();
        DataType collected = backward.collects(input) && own == DataType.BFLOAT16 ? DataType.FLOAT : own;
        backward.set(input, of(left, transposeLeft, right, transposeRight, factor, collected,
                backward.accumulated(input), scaled ? arg(scalesInput()) : null));
    }
}
