package org.finetune4j.op;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Rows turned towards a direction, of the length that they had. */
public final class Steer {
    /** Added to squared lengths, so that a row of zeros stays one and has a gradient. */
    private static final double LEAST_SQUARE = 1e-24;

    private Steer() {
    }

    /**
     * {@code |x| unit(unit(x) + step unit(direction))} of every row.
     *
     * @param x         {@code [tokens, hidden]}
     * @param direction {@code [1, hidden]} in full precision, which need not be of length 1
     * @param step      how far rows are turned, finite and at least 0; at 1 towards the middle between the two
     * @return {@code [tokens, hidden]} in the type of x
     */
    public static SDVariable of(SDVariable x, SDVariable direction, double step) {
        DataType wide = direction.dataType();
        SDVariable rows = x.dataType() == wide ? x : Scale.cast(x, wide);
        SDVariable length = length(rows);
        SDVariable turned = rows.div(length).add(direction.div(length(direction)).mul(step));
        SDVariable steered = turned.mul(length.div(length(turned)));
        return x.dataType() == wide ? steered : Scale.cast(steered, x.dataType());
    }

    private static SDVariable length(SDVariable rows) {
        return rows.getSameDiff().math().sqrt(rows.mul(rows).sum(true, 1).add(LEAST_SQUARE));
    }
}
