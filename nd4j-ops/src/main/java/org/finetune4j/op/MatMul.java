package org.finetune4j.op;

import java.util.List;
import java.util.Arrays;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Matrix product {@code factor * op(a) op(b) + addend}; linear layers, LoRA branches and all their gradients are this operation.
 *
 * <p>{@code op(a) [m, k]}, {@code op(b) [k, n]}, addend and result {@code [m, n]}.
 */
public final class MatMul extends OwnOp {
    private final boolean transposeA;
    private final boolean transposeB;
    private final double factor;
    private final DataType type;

    private MatMul(SDVariable[] inputs, boolean transposeA, boolean transposeB, double factor, DataType type) {
        super(inputs);
        this.transposeA = transposeA;
        this.transposeB = transposeB;
        this.factor = factor;
        this.type = type;
    }

    /** A linear layer without bias: {@code x weight^T}; x {@code [tokens, i]}, weight {@code [o, i]}. */
    public static SDVariable linear(SDVariable x, SDVariable weight) {
        return of(x, false, weight, true, 1, x.dataType(), null);
    }

    /** {@code addend + factor * x weight^T}. */
    public static SDVariable linearAdd(SDVariable addend, double factor, SDVariable x, SDVariable weight) {
        return of(x, false, weight, true, factor, x.dataType(), addend);
    }

    /** {@code factor * op(a) op(b) + addend} in the given type, which is that of {@code a} or FLOAT. */
    public static SDVariable of(SDVariable a, boolean transposeA, SDVariable b, boolean transposeB, double factor,
                                DataType type, @Nullable SDVariable addend) {
        SDVariable[] inputs = addend == null ? new SDVariable[] {a, b} : new SDVariable[] {a, b, addend};
        return new MatMul(inputs, transposeA, transposeB, factor, type).outputVariable();
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

    @Override
    protected Write write(int index) {
        return args().length == 2 ? Write.EITHER : Write.REPLACE;
    }

    @Override
    protected int reusableInput() {
        return args().length == 3 ? 2 : -1;
    }

    @Override
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return 2.0 * outputs.get(0).length() * inputs.get(0).size(transposeA ? 0 : 1);
    }

    @Override
    protected void execute(Execution execution) {
        boolean accumulate = execution.accumulates(0);
        if (args().length == 3) {
            INDArray addend = execution.input(2);
            INDArray out = execution.output(0);
            if (addend.data().address() != out.data().address()) {
                execution.kernels().scale(addend, 1, out);
            }
            accumulate = true;
        }
        execution.kernels().matmul(execution.input(0), transposeA, execution.input(1), transposeB,
                execution.output(0), factor, accumulate);
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
        if (backward.wants(1)) {
            contribute(backward, 1, transposeB ? gradient : a, transposeB || !transposeA, transposeB ? a : gradient,
                    transposeB && transposeA);
        }
        if (args().length == 3 && backward.wants(2)) {
            backward.add(2, upstream);
        }
    }

    private void contribute(Backward backward, int input, SDVariable left, boolean transposeLeft, SDVariable right,
                            boolean transposeRight) {
        DataType own = arg(input).dataType();
        DataType collected = backward.collects(input) && own == DataType.BFLOAT16 ? DataType.FLOAT : own;
        backward.set(input, of(left, transposeLeft, right, transposeRight, factor, collected,
                backward.accumulated(input)));
    }
}
