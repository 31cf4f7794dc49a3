package org.finetune4j.kernel;

import java.util.Collection;
import java.util.List;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels that pass every call on, so that a subclass can break a single one. */
class DelegatingKernels implements Kernels {
    final Kernels right;

    DelegatingKernels(Kernels right) {
        this.right = right;
    }

    @Override
    public String name() {
        return right.name();
    }

    @Override
    public boolean supports(DataType type) {
        return right.supports(type);
    }

    @Override
    public void matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray out, double alpha,
                       boolean accumulate) {
        right.matmul(a, transposeA, b, transposeB, out, alpha, accumulate);
    }

    @Override
    public HeldWeights hold(Collection<INDArray> weights) {
        return right.hold(weights);
    }

    @Override
    public HeldWeights holdForGradients(Collection<INDArray> weights) {
        return right.holdForGradients(weights);
    }

    @Override
    public void products(List<ProductSum> sums) {
        right.products(sums);
    }

    @Override
    public void embedding(INDArray ids, INDArray table, INDArray out) {
        right.embedding(ids, table, out);
    }

    @Override
    public void embeddingGradient(INDArray ids, INDArray outGradient, INDArray tableGradient) {
        right.embeddingGradient(ids, outGradient, tableGradient);
    }

    @Override
    public void gatherRows(INDArray x, INDArray rows, INDArray out) {
        right.gatherRows(x, rows, out);
    }

    @Override
    public void gatherRowsGradient(INDArray rows, INDArray outGradient, INDArray inputGradient) {
        right.gatherRowsGradient(rows, outGradient, inputGradient);
    }

    @Override
    public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
        right.rmsNorm(x, weight, zeroCentred, epsilon, out);
    }

    @Override
    public void rmsNormGradient(INDArray x, INDArray weight, boolean zeroCentred, double epsilon,
                                INDArray outGradient, @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                @Nullable INDArray weightGradient) {
        right.rmsNormGradient(x, weight, zeroCentred, epsilon, outGradient, addend, inputGradient, weightGradient);
    }

    @Override
    public void layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon, INDArray out) {
        right.layerNorm(x, weight, bias, epsilon, out);
    }

    @Override
    public void layerNormGradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient,
                                  @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                  @Nullable INDArray weightGradient, @Nullable INDArray biasGradient) {
        right.layerNormGradient(x, weight, epsilon, outGradient, addend, inputGradient, weightGradient, biasGradient);
    }

    @Override
    public void meanRows(INDArray x, INDArray offsets, INDArray out) {
        right.meanRows(x, offsets, out);
    }

    @Override
    public void meanRowsGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient) {
        right.meanRowsGradient(offsets, outGradient, inputGradient);
    }

    @Override
    public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out) {
        right.rotary(x, positions, table, inverse, out);
    }

    @Override
    public void attention(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                          @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp) {
        right.attention(query, key, value, offsets, shape, rotary, out, logSumExp);
    }

    @Override
    public void attentionGradient(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                                  @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp,
                                  INDArray outGradient, INDArray queryGradient, INDArray keyGradient,
                                  INDArray valueGradient) {
        right.attentionGradient(query, key, value, offsets, shape, rotary, out, logSumExp, outGradient, queryGradient,
                keyGradient, valueGradient);
    }

    @Override
    public void cachedAttention(INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache,
                                INDArray cacheLengths, INDArray offsets, AttentionShape shape,
                                @Nullable RotaryPositions rotary, INDArray out) {
        right.cachedAttention(query, key, value, keyCache, valueCache, cacheLengths, offsets, shape, rotary, out);
    }

    @Override
    public void activation(INDArray x, Activation.Kind kind, INDArray out) {
        right.activation(x, kind, out);
    }

    @Override
    public void activationGradient(INDArray x, Activation.Kind kind, INDArray outGradient, INDArray inputGradient) {
        right.activationGradient(x, kind, outGradient, inputGradient);
    }

    @Override
    public void gatedActivation(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
        right.gatedActivation(gate, up, kind, out);
    }

    @Override
    public void gatedActivationGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                                        INDArray gateGradient, INDArray upGradient) {
        right.gatedActivationGradient(gate, up, kind, outGradient, gateGradient, upGradient);
    }

    @Override
    public void softCap(INDArray x, double cap, INDArray out) {
        right.softCap(x, cap, out);
    }

    @Override
    public void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
        right.softCapGradient(out, cap, outGradient, inputGradient);
    }

    @Override
    public void addRow(INDArray x, INDArray row, INDArray out) {
        right.addRow(x, row, out);
    }

    @Override
    public void columnSums(INDArray x, INDArray sums) {
        right.columnSums(x, sums);
    }

    @Override
    public void split(INDArray x, int[] counts, List<INDArray> outs) {
        right.split(x, counts, outs);
    }

    @Override
    public void join(List<@Nullable INDArray> parts, int[] counts, INDArray out) {
        right.join(parts, counts, out);
    }

    @Override
    public void add(INDArray a, INDArray b, INDArray out) {
        right.add(a, b, out);
    }

    @Override
    public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
        right.chooseExperts(logits, normalize, chosen, weights);
    }

    @Override
    public void chooseExpertsGradient(INDArray logits, boolean normalize, INDArray chosen, INDArray weightGradient,
                                      INDArray logitsGradient) {
        right.chooseExpertsGradient(logits, normalize, chosen, weightGradient, logitsGradient);
    }

    @Override
    public void combineRows(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
        right.combineRows(y, places, weights, out);
    }

    @Override
    public void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                    @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
        right.combineRowsGradient(y, places, weights, outGradient, yGradient, weightGradient);
    }

    @Override
    public void scale(INDArray x, double factor, INDArray out) {
        right.scale(x, factor, out);
    }

    @Override
    public void dropout(INDArray x, double rate, long seed, INDArray out) {
        right.dropout(x, rate, seed, out);
    }

    @Override
    public void logSumExp(INDArray logits, INDArray out) {
        right.logSumExp(logits, out);
    }

    @Override
    public void logSumExpGradient(INDArray logits, INDArray logSumExp, INDArray outGradient, @Nullable INDArray addend,
                                  INDArray logitsGradient) {
        right.logSumExpGradient(logits, logSumExp, outGradient, addend, logitsGradient);
    }

    @Override
    public void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out) {
        right.logProbability(logits, labels, logSumExp, out);
    }

    @Override
    public void logProbabilityGradient(INDArray logits, INDArray labels, INDArray logSumExp, INDArray outGradient,
                                       @Nullable INDArray addend, INDArray logitsGradient) {
        right.logProbabilityGradient(logits, labels, logSumExp, outGradient, addend, logitsGradient);
    }

    @Override
    public void klDivergence(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp, INDArray out) {
        right.klDivergence(from, to, fromLogSumExp, toLogSumExp, out);
    }

    @Override
    public void klDivergenceFromGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                         INDArray divergence, INDArray outGradient, @Nullable INDArray addend,
                                         INDArray fromGradient) {
        right.klDivergenceFromGradient(from, to, fromLogSumExp, toLogSumExp, divergence, outGradient, addend,
                fromGradient);
    }

    @Override
    public void klDivergenceToGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                       INDArray outGradient, @Nullable INDArray addend, INDArray toGradient) {
        right.klDivergenceToGradient(from, to, fromLogSumExp, toLogSumExp, outGradient, addend, toGradient);
    }

    @Override
    public double squaredNorm(INDArray x) {
        return right.squaredNorm(x);
    }

    @Override
    public boolean isFinite(INDArray x) {
        return right.isFinite(x);
    }

    @Override
    public void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment,
                      AdamWStep step) {
        right.adamW(parameter, gradient, firstMoment, secondMoment, step);
    }

    @Override
    public void close() {
        right.close();
    }
}
