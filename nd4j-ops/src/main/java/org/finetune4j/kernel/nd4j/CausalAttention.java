package org.finetune4j.kernel.nd4j;

import static org.finetune4j.kernel.nd4j.Arithmetic.logSumExp;
import static org.finetune4j.kernel.nd4j.Arithmetic.product;
import static org.finetune4j.kernel.nd4j.Arithmetic.softmax;

import java.util.Arrays;
import org.finetune4j.kernel.AttentionShape;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Causal grouped-query attention of one sequence, head by head, with the matrix of probabilities formed in full.
 *
 * <p>{@code P = softmax(scale * Q K' + mask)} and {@code O = P V}, where new token {@code t} of a sequence with
 * {@code past} earlier tokens sees places {@code s <= past + t}.
 */
final class CausalAttention {
    /** Added to what a token may not see: large enough that its exponential is 0, small enough that FLOAT holds it. */
    private static final double UNSEEN = -1e30;

    private final AttentionShape shape;
    private final double scale;

    CausalAttention(AttentionShape shape) {
        this.shape = shape;
        this.scale = 1 / Math.sqrt(shape.headDimension());
    }

    /**
     * Writes the attention of {@code query [new, queryWidth]} over {@code key} and {@code value}
     * {@code [past + new, keyValueWidth]} to {@code out [new, queryWidth]}, and the logarithms of the sums of exponentials
     * to {@code logSums [new, heads]}; all of one type, at least FLOAT.
     */
    void forward(INDArray query, INDArray key, INDArray value, INDArray out, INDArray logSums) {
        INDArray mask = mask(query.size(0), key.size(0), query.dataType());
        for (int head = 0; head < shape.heads(); head++) {
            INDArray scores = scores(query, key, mask, head);
            queryHead(out, head).assign(product(softmax(scores), keyValueHead(value, head).dup('c')));
            logSums.getColumn(head).assign(logSumExp(scores).reshape(scores.size(0)));
        }
    }

    /**
     * Writes the gradients of {@link #forward} for a sequence without past:
     * {@code dV = P' dO}, {@code dP = dO V'}, {@code dS = P (dP - rowsum(P dP))}, {@code dQ = scale dS K},
     * {@code dK = scale dS' Q}; key and value gradients are summed over the query heads of a group.
     */
    void backward(INDArray query, INDArray key, INDArray value, INDArray outGradient, INDArray queryGradient,
                  INDArray keyGradient, INDArray valueGradient) {
        keyGradient.assign(0);
        valueGradient.assign(0);
        INDArray mask = mask(query.size(0), key.size(0), query.dataType());
        for (int head = 0; head < shape.heads(); head++) {
            INDArray q = queryHead(query, head).dup('c');
            INDArray k = keyValueHead(key, head).dup('c');
            INDArray v = keyValueHead(value, head).dup('c');
            INDArray dOut = queryHead(outGradient, head).dup('c');
            INDArray p = probabilities(query, key, mask, head);
            INDArray dP = product(dOut, v.transpose());
            INDArray dS = p.mul(dP.sub(p.mul(dP).sum(true, 1)));
            queryHead(queryGradient, head).assign(product(dS, k).mul(scale));
            keyValueHead(keyGradient, head).addi(product(dS.transpose(), q).mul(scale));
            keyValueHead(valueGradient, head).addi(product(p.transpose(), dOut));
        }
    }

    private INDArray probabilities(INDArray query, INDArray key, INDArray mask, int head) {
        return softmax(scores(query, key, mask, head));
    }

    private INDArray scores(INDArray query, INDArray key, INDArray mask, int head) {
        INDArray q = queryHead(query, head).dup('c');
        INDArray k = keyValueHead(key, head).dup('c');
        return product(q, k.transpose()).mul(scale).add(mask);
    }

    private INDArray queryHead(INDArray rows, int head) {
        return columns(rows, head);
    }

    private INDArray keyValueHead(INDArray rows, int head) {
        return columns(rows, head / shape.group());
    }

    private INDArray columns(INDArray rows, int index) {
        long width = shape.headDimension();
        return rows.get(NDArrayIndex.all(), NDArrayIndex.interval(index * width, (index + 1) * width));
    }

    private static INDArray mask(long newTokens, long allTokens, DataType type) {
        double[][] mask = new double[Math.toIntExact(newTokens)][Math.toIntExact(allTokens)];
        int past = Math.toIntExact(allTokens - newTokens);
        for (int t = 0; t < mask.length; t++) {
            Arrays.fill(mask[t], past + t + 1, mask[t].length, UNSEEN);
        }
        return Nd4j.createFromArray(mask).castTo(type);
    }
}
