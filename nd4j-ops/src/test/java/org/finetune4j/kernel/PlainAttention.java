package org.finetune4j.kernel;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Attention as four nested loops over numbers, the definition written out; its parts can be replaced by wrong ones.
 *
 * @param lookAhead places after its own that a token sees: 0 is causal
 * @param keyHead   the key head of a query head: {@code head / group}
 * @param scale     the factor on query-key products: {@code 1 / sqrt(headDimension)}
 * @param packed    whether sequences are kept apart
 * @param groupSum  whether key and value gradients are summed over the query heads of a group
 * @param centred   whether the gradient of softmax subtracts its mean
 */
record PlainAttention(int lookAhead, KeyHead keyHead, double scale, boolean packed, boolean groupSum, boolean centred) {

    /** Which key head serves a query head. */
    interface KeyHead {
        int of(int head, AttentionShape shape);
    }

    static PlainAttention right(int headDimension) {
        return new PlainAttention(0, (head, shape) -> head / shape.group(), 1 / Math.sqrt(headDimension), true, true,
                true);
    }

    PlainAttention lookingAhead(int places) {
        return new PlainAttention(places, keyHead, scale, packed, groupSum, centred);
    }

    PlainAttention withKeyHead(KeyHead other) {
        return new PlainAttention(lookAhead, other, scale, packed, groupSum, centred);
    }

    PlainAttention scaledBy(double other) {
        return new PlainAttention(lookAhead, keyHead, other, packed, groupSum, centred);
    }

    PlainAttention unpacked() {
        return new PlainAttention(lookAhead, keyHead, scale, false, groupSum, centred);
    }

    PlainAttention withoutGroupSum() {
        return new PlainAttention(lookAhead, keyHead, scale, packed, false, centred);
    }

    PlainAttention uncentred() {
        return new PlainAttention(lookAhead, keyHead, scale, packed, groupSum, false);
    }

    void forward(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape, INDArray out) {
        int width = shape.headDimension();
        for (int t = 0; t < query.size(0); t++) {
            for (int h = 0; h < shape.heads(); h++) {
                int g = keyHead.of(h, shape);
                int begin = begin(offsets, t);
                double[] p = probabilities(query, key, offsets, shape, t, h);
                for (int d = 0; d < width; d++) {
                    double sum = 0;
                    for (int s = 0; s < p.length; s++) {
                        sum += p[s] * value.getDouble(begin + s, g * width + d);
                    }
                    out.putScalar(t, h * width + d, sum);
                }
            }
        }
    }

    void backward(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                  INDArray outGradient, INDArray queryGradient, INDArray keyGradient, INDArray valueGradient) {
        int width = shape.headDimension();
        double[][] dQuery = new double[(int) query.size(0)][shape.queryWidth()];
        double[][] dKey = new double[(int) query.size(0)][shape.keyValueWidth()];
        double[][] dValue = new double[(int) query.size(0)][shape.keyValueWidth()];
        for (int t = 0; t < query.size(0); t++) {
            for (int h = 0; h < shape.heads(); h++) {
                int g = keyHead.of(h, shape);
                int begin = begin(offsets, t);
                double[] p = probabilities(query, key, offsets, shape, t, h);
                double[] dP = new double[p.length];
                double mean = 0;
                for (int s = 0; s < p.length; s++) {
                    for (int d = 0; d < width; d++) {
                        dP[s] += outGradient.getDouble(t, h * width + d) * value.getDouble(begin + s, g * width + d);
                    }
                    mean += p[s] * dP[s];
                }
                boolean counted = groupSum || h % shape.group() == 0;
                for (int s = 0; s < p.length; s++) {
                    double dScore = p[s] * (dP[s] - (centred ? mean : 0)) * scale;
                    for (int d = 0; d < width; d++) {
                        dQuery[t][h * width + d] += dScore * key.getDouble(begin + s, g * width + d);
                        if (counted) {
                            dKey[begin + s][g * width + d] += dScore * query.getDouble(t, h * width + d);
                            dValue[begin + s][g * width + d] += p[s] * outGradient.getDouble(t, h * width + d);
                        }
                    }
                }
            }
        }
        write(dQuery, queryGradient);
        write(dKey, keyGradient);
        write(dValue, valueGradient);
    }

    private double[] probabilities(INDArray query, INDArray key, INDArray offsets, AttentionShape shape, int t, int h) {
        int width = shape.headDimension();
        int g = keyHead.of(h, shape);
        int begin = begin(offsets, t);
        int seen = Math.max(1, Math.min(end(offsets, t), t + 1 + lookAhead) - begin);
        double[] p = new double[seen];
        double sum = 0;
        for (int s = 0; s < seen; s++) {
            double score = 0;
            for (int d = 0; d < width; d++) {
                score += query.getDouble(t, h * width + d) * key.getDouble(begin + s, g * width + d);
            }
            p[s] = Math.exp(scale * score);
            sum += p[s];
        }
        for (int s = 0; s < seen; s++) {
            p[s] /= sum;
        }
        return p;
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

    private static void write(double[][] values, INDArray out) {
        for (int t = 0; t < values.length; t++) {
            for (int i = 0; i < values[t].length; i++) {
                out.putScalar(t, i, values[t][i]);
            }
        }
    }
}
