package org.finetune4j.op;

import java.util.Arrays;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Root-mean-square normalisation (arXiv 1910.07467) of rows, or of every head of a row by itself. */
public final class RmsNorm extends OwnOp {
    private static final int WHOLE_ROW = 0;
    private final int headDimension;
    private final boolean zeroCentred;
    private final double epsilon;

    private RmsNorm(SDVariable x, SDVariable weight, int headDimension, boolean zeroCentred, double epsilon) {
        super(x, weight);
        this.headDimension = headDimension;
        this.zeroCentred = zeroCentred;
        this.epsilon = epsilon;
    }

    /** {@code weight * x / sqrt(mean(x^2) + epsilon)} of every row; x {@code [tokens, hidden]}, weight {@code [hidden]}. */
    public static SDVariable of(SDVariable x, SDVariable weight, double epsilon) {
        return of(x, weight, epsilon, false);
    }

    /**
     * As the shorter form, or with {@code 1 + weight} in the place of {@code weight}.
     *
     * @param zeroCentred whether the weight is kept less 1, as Gemma's is
     */
    public static SDVariable of(SDVariable x, SDVariable weight, double epsilon, boolean zeroCentred) {
        return new RmsNorm(x, weight, WHOLE_ROW, zeroCentred, epsilon).outputVariable();
    }

    /**
     * Every run of {@code headDimension} numbers normalised by itself, with one weight for all (Qwen3, Gemma 3).
     *
     * @param x             {@code [tokens, heads * headDimension]}
     * @param weight        {@code [headDimension]}
     * @param headDimension at least 1, a divisor of the width of x
     * @param zeroCentred   whether the weight is kept less 1, as Gemma's is
     */
    public static SDVariable perHead(SDVariable x, SDVariable weight, int headDimension, double epsilon,
                                     boolean zeroCentred) {
        if (headDimension < 1) {
            throw new IllegalArgumentException("a head dimension of " + headDimension + "; it must be at least 1");
        }
        return new RmsNorm(x, weight, headDimension, zeroCentred, epsilon).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_rms_norm";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().rmsNorm(rows(execution.input(0), headDimension), execution.input(1), zeroCentred, epsilon,
                rows(execution.output(0), headDimension));
    }

    @Override
    protected void backward(Backward backward) {
        int head = headDimension;
        boolean centred = zeroCentred;
        double added = epsilon;
        NormGradient.contribute(backward, args(), (execution, addend, inputGradient, weightGradient, none) ->
                execution.kernels().rmsNormGradient(rows(execution.input(0), head), execution.input(1), centred, added,
                        rows(NormGradient.upstream(execution), head), rowsOrNone(addend, head),
                        rowsOrNone(inputGradient, head), weightGradient));
    }

    /** The same memory as rows that are normalised. */
    private static INDArray rows(INDArray x, int headDimension) {
        if (headDimension == WHOLE_ROW || x.size(1) == headDimension) {
            return x;
        }
        if (x.size(1) % headDimension != 0) {
            throw new IllegalArgumentException("a norm of heads of " + headDimension + " numbers in an array of shape "
                    + Arrays.toString(x.shape()) + ", whose width they do not divide");
        }
        return x.reshape('c', true, x.size(0) * (x.size(1) / headDimension), headDimension);
    }

    private static @Nullable INDArray rowsOrNone(@Nullable INDArray x, int headDimension) {
        return x == null ? null : rows(x, headDimension);
    }
}
