package org.finetune4j.kernel;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Attention as four nested loops over numbers, the definition written out; its parts can be replaced by wrong ones.
 *
 * @param lookAhead places after its own that a token sees of causal attention: 0
 * @param keyHead   the key head of a query head: {@code head / group}
 * @param scores    the scores that are computed, of those that are asked for: the same
 * @param packed    whether sequences are kept apart
 * @param groupSum  whether key and value gradients are summed over the query heads of a group
 * @param centred   whether the gradient of softmax subtracts its mean
 * @param capSlope  whether gradients have the slope of the softcap
 */
record PlainAttention(int lookAhead, KeyHead keyHead, UnaryOperator<AttentionScores> scores, boolean packed,
                      boolean groupSum, boolean centred, boolean capSlope) {

    /** Which key head serves a query head. */
    interface KeyHead {
        int of(int head, AttentionShape shape);
    }

    static PlainAttention right() {
        return new PlainAttention(0, (head, shape) -> head / shape.group(), asked -> asked, true, true, true, true);
    }

    PlainAttention lookingAhead(int places) {
        return new PlainAttention(places, keyHead, scores, packed, groupSum, centred, capSlope);
    }

    PlainAttention withKeyHead(KeyHead other) {
        return new PlainAttention(lookAhead, other, scores, packed, groupSum, centred, capSlope);
    }

    PlainAttention scoring(UnaryOperator<AttentionScores> other) {
        return new PlainAttention(lookAhead, keyHead, other, packed, groupSum, centred, capSlope);
    }

    PlainAttention unpacked() {
        return new PlainAttention(lookAhead, keyHead, scores, false, groupSum, centred, capSlope);
    }

    PlainAttention withoutGroupSum() {
        return new PlainAttention(lookAhead, keyHead, scores, packed, false, centred, capSlope);
    }

    PlainAttention uncentred() {
        return new PlainAttention(lookAhead, keyHead, scores, packed, groupSum, false, capSlope);
    }

    PlainAttention withoutCapSlope() {
        return new PlainAttention(lookAhead, keyHead, scores, packed, groupSum, centred, false);
    }

    void forward(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape, INDArray out) {
        int width = shape.headDimension();
        double[][] q = read(query);
        double[][] k = read(key);
        double[][] v = read(value);
        for (int t = 0; t < q.length; t++) {
            for (int h = 0; h < shape.heads(); h++) {
                int g = keyHead.of(h, shape);
                int begin = begin(offsets, t);
                double[] p = softmax(scores(q, k, offsets, shape, t, h));
                for (int d = 0; d < width; d++) {
                    double sum = 0;
                    for (int s = 0; s < p.length; s++) {
                        sum += p[s] * v[begin + s][g * width + d];
                    }
                    out.putScalar(t, h * width + d, sum);
                }
            }
        }
    }

    void backward(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                  INDArray outGradient, INDArray queryGradient, INDArray keyGradient, INDArray valueGradient) {
        int width = shape.headDimension();
        AttentionScores kind = scores.apply(shape.scores());
        double[][] q = read(query);
        double[][] k = read(key);
        double[][] v = read(value);
        double[][] dOut = read(outGradient);
        double[][] dQuery = new double[q.length][shape.queryWidth()];
        double[][] dKey = new double[q.length][shape.keyValueWidth()];
        double[][] dValue = new double[q.length][shape.keyValueWidth()];
        for (int t = 0; t < q.length; t++) {
            for (int h = 0; h < shape.heads(); h++) {
                int g = keyHead.of(h, shape);
                int begin = begin(offsets, t);
                double[] score = scores(q, k, offsets, shape, t, h);
                double[] p = softmax(score);
                double[] dP = new double[p.length];
                double mean = 0;
                for (int s = 0; s < p.length; s++) {
                    for (int d = 0; d < width; d++) {
                        dP[s] += dOut[t][h * width + d] * v[begin + s][g * width + d];
                    }
                    mean += p[s] * dP[s];
                }
                boolean counted = groupSum || h % shape.group() == 0;
                for (int s = 0; s < p.length; s++) {
                    double dScore = p[s] * (dP[s] - (centred ? mean : 0)) * kind.scale();
                    if (capSlope && kind.softcap() > 0 && p[s] > 0) {
                        dScore *= 1 - Math.pow(score[s] / kind.softcap(), 2);
                    }
                    for (int d = 0; d < width; d++) {
                        dQuery[t][h * width + d] += dScore * k[begin + s][g * width + d];
                        if (counted) {
                            dKey[begin + s][g * width + d] += dScore * q[t][h * width + d];
                            dValue[begin + s][g * width + d] += p[s] * dOut[t][h * width + d];
                        }
                    }
                }
            }
        }
        write(dQuery, queryGradient);
        write(dKey, keyGradient);
        write(dValue, valueGradient);
    }

    /** The scores of a query with the keys of its sequence, minus infinity where it does not see them. */
    private double[] scores(double[][] q, double[][] k, INDArray offsets, AttentionShape shape, int t, int h) {
        AttentionScores kind = scores.apply(shape.scores());
        int width = shape.headDimension();
        int g = keyHead.of(h, shape);
        int begin = begin(offsets, t);
        double[] score = new double[end(offsets, t) - begin];
        for (int s = 0; s < score.length; s++) {
            for (int d = 0; d < width; d++) {
                score[s] += kind.scale() * q[t][h * width + d] * k[begin + s][g * width + d];
            }
            if (kind.softcap() > 0) {
                score[s] = kind.softcap() * Math.tanh(score[s] / kind.softcap());
            }
            boolean late = kind.causal() && begin + s > t + lookAhead && s > 0;
            boolean early = kind.window() > 0 && begin + s <= t - kind.window();
            if (late || early) {
                score[s] = Double.NEGATIVE_INFINITY;
            }
        }
        return score;
    }

    private static double[] softmax(double[] score) {
        double largest = Arrays.stream(score).max().getAsDouble();
        double[] p = Arrays.stream(score).map(value -> Math.exp(value - largest)).toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(value -> value / sum).toArray();
    }

    private int begin(INDArray offsets, int token) {
        int begin = 0;
        for (int b = 0; packed && b < offsets.length(); b++) {
            if (offsets.getInt(b) <= token) {
                begin = offsets.getInt(b);
            }
        }
        return begin;
    }

    private int end(INDArray offsets, int token) {
        for (int b = 0; packed && b < offsets.length(); b++) {
            if (offsets.getInt(b) > token) {
                return offsets.getInt(b);
            }
        }
        return offsets.getInt((int) offsets.length() - 1);
    }

    private static double[][] read(INDArray x) {
        return x.isEmpty() ? new double[0][] : x.castTo(DataType.DOUBLE).toDoubleMatrix();
    }

    private static void write(double[][] values, INDArray out) {
        for (int t = 0; t < values.length; t++) {
            for (int i = 0; i < values[t].length; i++) {
                out.putScalar(t, i, values[t][i]);
            }
        }
    }
}
