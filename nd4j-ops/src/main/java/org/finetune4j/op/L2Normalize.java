package org.finetune4j.op;

import org.finetune4j.graph.Backward;
import org.finetune4j.graph.OwnOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Rows divided by their Euclidean length, as sentence embeddings are before they are compared; a row of zeros stays one.
 *
 * <p>That is a root-mean-square normalisation with the weight {@code 1 / sqrt(hidden)}.
 */
public final class L2Normalize extends OwnOp {
    /** Added to the square of the length: that of PyTorch's least length. */
    private static final double LEAST_SQUARE = 1e-24;

    private L2Normalize(SDVariable x) {
        super(x);
    }

    /** {@code x / |x|} of every row; x {@code [rows, hidden]}. */
    public static SDVariable of(SDVariable x) {
        return new L2Normalize(x).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_l2_normalize";
    }

    @Override
    protected boolean cheap() {
        return true;
    }

    @Override
    protected void execute(Execution execution) {
        INDArray x = execution.input(0);
        execution.kernels().rmsNorm(x, weight(x), false, LEAST_SQUARE / x.size(1), execution.output(0));
    }

    /** In full precision, so that lengths are 1 for rows in BFLOAT16 too. */
    private static INDArray weight(INDArray x) {
        DataType type = FullPrecision.of(x.dataType());
        return Nd4j.valueArrayOf(new long[] {x.size(1)}, 1 / Math.sqrt(x.size(1)), type);
    }

    @Override
    protected void backward(Backward backward) {
        if (backward.wants(0)) {
            backward.add(0, new Gradient(arg(0), backward.upstream()).outputVariable());
        }
    }

    private static final class Gradient extends OwnOp {
        Gradient(SDVariable x, SDVariable upstream) {
            super(x, upstream);
        }

        @Override
        public String opName() {
            return "finetune4j_l2_normalize_gradient";
        }

        @Override
        protected void execute(Execution execution) {
            INDArray x = execution.input(0);
            execution.kernels().rmsNormGradient(x, weight(x), false, LEAST_SQUARE / x.size(1), execution.input(1), null,
                    execution.output(0), null);
        }
    }
}
