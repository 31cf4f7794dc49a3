package org.finetune4j.kernel.nd4j;

import static org.finetune4j.kernel.nd4j.Arithmetic.logSumExp;
import static org.finetune4j.kernel.nd4j.Arithmetic.product;
import static org.finetune4j.kernel.nd4j.Arithmetic.softmax;

import java.util.Arrays;
import org.finetune4j.kernel.AttentionScores;
import org.finetune4j.kernel.AttentionShape;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Grouped-query attention of one sequence, head by head, with the matrix of probabilities formed in full.
 *
 * <p>{@code P = softmax(S + mask)} and {@code O = P V}, where {@code S = scale * Q K'}, or {@code c tanh(scale * Q K' / c)}
 * with a softcap c, and the mask hides what new token {@code t} of a sequence with {@code past} earlier tokens, at place
 * {@code past + t}, does not see.
 */
final class SequenceAttention {
    /** Added to what a token may not see: large enough that its exponential is 0, small enough that FLOAT holds it. */
    private static final double UNSEEN = -1e30;

    private final AttentionShape shape;
    private final AttentionScores kind;

    SequenceAttention(AttentionShape shape) {
        this.shape = shape;
        kind = shape.scores();
    }

    /**
     * Writes the attention of {@code query [new, queryWidth]} over {@code key} and {@code value}
     * {@code [past + new, keyValueWidth]} to {@code out [new, queryWidth]}, and the logarithms of the sums of exponentials
     * to {@code logSums [new, heads]}; all of one type, at least FLOAT.
     */
    void forward(INDArray query, INDArray key, INDArray value, INDArray out, INDArray logSums) {
        INDArray mask = mask(query.size(0), key.size(0), query.dataType());
        for (int head = 0; head < shape.heads(); head++) {
            INDArray scores = scores(query, key, head).add(mask);
            queryHead(out, head).assign(product(softmax(scores), keyValueHead(value, head).dup('c')));
            logSums.getColumn(head).assign(logSumExp(scores).reshape(scores.size(0)));
        }
    }

    /**
     * Writes the gradients of {@link #forward} for a sequence without past:
     * {@code dV = P' dO}, {@code dP = dO V'}, {@code dS = P (dP - rowsum(P dP))}, times {@code 1 - (S / c)^2} with a softcap,
     * {@code dQ = scale dS K}, {@code dK = scale dS' Q}; key and value gradients are summed over the query heads of a group.
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
            INDArray scores = scores(query, key, head);
            INDArray p = softmax(scores.add(mask));
            INDArray dP = product(dOut, v.transpose());
            INDArray dS = p.mul(dP.sub(p.mul(dP).sum(true, 1)));
            if (kind.softcap() > 0) {
                INDArray ratio = scores.div(kind.softcap());
                dS = dS.mul(ratio.mul(ratio).rsub(1));
            }
            queryHead(queryGradient, head).assign(product(dS, k).mul(kind.scale()));
            keyValueHead(keyGradient, head).addi(product(dS.transpose(), q).mul(kind.scale()));
            keyValueHead(valueGradient, head).addi(product(p.transpose(), dOut));
        }
    }

    private INDArray scores(INDArray query, INDArray key, int head) {
        INDArray q = queryHead(query, head).dup('c');
        INDArray k = keyValueHead(key, head).dup('c');
        INDArray scores = product(q, k.transpose()).mul(kind.scale());
        return kind.softcap() == 0 ? scores
                : Transforms.tanh(scores.div(kind.softcap()), true).mul(kind.softcap());
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

    private INDArray mask(long newTokens, long allTokens, DataType type) {
        double[][] mask = new double[Math.toIntExact(newTokens)][Math.toIntExact(allTokens)];
        int past = Math.toIntExact(allTokens - newTokens);
        for (int t = 0; t < mask.length; t++) {
            Arrays.fill(mask[t], 0, kind.firstKey(past + t), UNSEEN);
            Arrays.fill(mask[t], kind.endKey(past + t, mask[t].length), mask[t].length, UNSEEN);
        }
        return Nd4j.createFromArray(mask).castTo(type);
    }
}
