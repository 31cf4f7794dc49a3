package org.finetune4j.kernel.onednn;

import java.util.Collection;
import java.util.List;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Kernels for processors, on FLOAT and BFLOAT16 arrays of ND4J's CPU backend: matrix products by oneDNN, which compiles
 * code for the processor at hand, and everything else by vectorised Java loops.
 *
 * <p>Results are the same bit for bit whatever the number of threads. An instance may be called from any thread, one at a
 * time; calls from several wait for one another.
 */
public final class OneDnnKernels implements Kernels {
    private final Workers workers;
    private final HeldCopies forwardCopies;
    private final HeldCopies gradientCopies;
    private final FewRows few;
    private final MatrixProduct products;
    private final Rows rows;
    private final Normalization normalization;
    private final Rotation rotation;
    private final Attention attention;
    private final Elementwise elementwise;
    private final Activations activations;
    private final RowSums rowSums;
    private final Parts parts;
    private final ExpertRows experts;
    private final Distributions distributions;

    /** Kernels on as many threads as the processor has cores. */
    public OneDnnKernels() {
        this(Runtime.getRuntime().availableProcessors());
    }

    /**
     * Kernels on a number of threads.
     *
     * @param threads at least 1; the calling thread is one of them
     */
    public OneDnnKernels(int threads) {
        this(new Workers(threads));
    }

    /**
     * Kernels that compute BFLOAT16 by instructions for FLOAT, as on a processor that has no others.
     *
     * @param threads at least 1; the calling thread is one of them
     */
    public static OneDnnKernels withoutBfloat16Instructions(int threads) {
        return new OneDnnKernels(new Workers(threads, false));
    }

    /** Kernels on these threads, which become theirs. */
    private OneDnnKernels(Workers workers) {
        this.workers = workers;
        forwardCopies = new HeldCopies(workers, PackedWeight.Use.FORWARD);
        gradientCopies = new HeldCopies(workers, PackedWeight.Use.GRADIENT);
        few = new FewRows(forwardCopies, workers.bfloat16());
        products = new MatrixProduct(workers, few, gradientCopies);
        rows = new Rows(workers);
        normalization = new Normalization(workers);
        rotation = new Rotation(workers);
        attention = new Attention(workers);
        elementwise = new Elementwise(workers);
        activations = new Activations(workers);
        rowSums = new RowSums(workers);
        parts = new Parts(workers);
        experts = new ExpertRows(workers);
        distributions = new Distributions(workers);
    }

    @Override
    public String name() {
        return "onednn";
    }

    /** FLOAT and BFLOAT16; where the processor has no instructions for the latter, it is faster for few rows only. */
    @Override
    public boolean supports(DataType type) {
        return type == DataType.FLOAT || type == DataType.BFLOAT16;
    }

    @Override
    public void matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray out, double alpha,
                       boolean accumulate) {
        products.run(List.of(new ProductSum(List.of(new Product(a, transposeA, b, transposeB, alpha)), null, out,
                accumulate)));
    }

    @Override
    public void products(List<ProductSum> sums) {
        products.run(sums);
    }

    /** Packs the weights that the processor multiplies packed, of which each takes as much memory again. */
    @Override
    public HeldWeights hold(Collection<INDArray> weights) {
        return forwardCopies.hold(weights.stream().filter(weight -> isPacked(weight.dataType())).toList());
    }

    @Override
    public long heldBytes(DataType type, long outputs, long inputs) {
        return isPacked(type) ? PackedWeight.Layout.of(type == DataType.BFLOAT16, workers).bytes(outputs, inputs) : 0;
    }

    private boolean isPacked(DataType type) {
        return type != DataType.BFLOAT16 || workers.multipliesPackedBfloat16();
    }

    /**
     * Packs weights of BFLOAT16 where the processor multiplies it, and keeps nothing of others. Results stay the same bit for
     * bit, but with AMX, where oneDNN cuts long sums into BFLOAT16 in another way.
     */
    @Override
    public HeldWeights holdForGradients(Collection<INDArray> weights) {
        return gradientCopies.hold(weights.stream().filter(weight -> servesGradients(weight.dataType())).toList());
    }

    @Override
    public long heldForGradientsBytes(DataType type, long outputs, long inputs) {
        return servesGradients(type) ? PackedWeight.Layout.of(true, workers).bytes(inputs, outputs) : 0;
    }

    private boolean servesGradients(DataType type) {
        return type == DataType.BFLOAT16 && workers.bfloat16();
    }

    @Override
    public void embedding(INDArray ids, INDArray table, INDArray out) {
        rows.gather("embedding", table, ids, out);
    }

    @Override
    public void embeddingGradient(INDArray ids, INDArray outGradient, INDArray tableGradient) {
        rows.add("embeddingGradient", ids, outGradient, tableGradient);
    }

    @Override
    public void gatherRows(INDArray x, INDArray rowNumbers, INDArray out) {
        rows.gather("gatherRows", x, rowNumbers, out);
    }

    @Override
    public void gatherRowsGradient(INDArray rowNumbers, INDArray outGradient, INDArray inputGradient) {
        rows.scatter("gatherRowsGradient", rowNumbers, outGradient, inputGradient);
    }

    @Override
    public void meanRows(INDArray x, INDArray offsets, INDArray out) {
        rowSums.means(x, offsets, out);
    }

    @Override
    public void meanRowsGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient) {
        rowSums.meansGradient(offsets, outGradient, inputGradient);
    }

    @Override
    public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
        normalization.run(new Normalization.Form("rmsNorm", false, zeroCentred, epsilon), x, weight, null, out);
    }

    @Override
    public void rmsNormGradient(INDArray x, INDArray weight, boolean zeroCentred, double epsilon,
                                INDArray outGradient, @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                @Nullable INDArray weightGradient) {
        normalization.gradient(new Normalization.Form("rmsNormGradient", false, zeroCentred, epsilon), x, weight,
                outGradient, addend, inputGradient, weightGradient, null);
    }

    @Override
    public void layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon, INDArray out) {
        normalization.run(new Normalization.Form("layerNorm", true, false, epsilon), x, weight, bias, out);
    }

    @Override
    public void layerNormGradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient,
                                  @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                  @Nullable INDArray weightGradient, @Nullable INDArray biasGradient) {
        normalization.gradient(new Normalization.Form("layerNormGradient", true, false, epsilon), x, weight,
                outGradient, addend, inputGradient, weightGradient, biasGradient);
    }

    @Override
    public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out) {
        rotation.run(x, positions, table, inverse, out);
    }

    @Override
    public void attention(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                          @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp) {
        attention.run(query, key, value, offsets, shape, rotary, out, logSumExp);
    }

    @Override
    public void attentionGradient(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                                  @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp,
                                  INDArray outGradient, INDArray queryGradient, INDArray keyGradient,
                                  INDArray valueGradient) {
        attention.gradient(query, key, value, offsets, shape, rotary, out, logSumExp, outGradient, queryGradient,
                keyGradient, valueGradient);
    }

    @Override
    public void cachedAttention(INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache,
                                INDArray cacheLengths, INDArray offsets, AttentionShape shape,
                                @Nullable RotaryPositions rotary, INDArray out) {
        attention.cached(query, key, value, keyCache, valueCache, cacheLengths, offsets, shape, rotary, out);
    }

    @Override
    public void activation(INDArray x, Activation.Kind kind, INDArray out) {
        activations.activation(x, kind, out);
    }

    @Override
    public void activationGradient(INDArray x, Activation.Kind kind, INDArray outGradient, INDArray inputGradient) {
        activations.activationGradient(x, kind, outGradient, inputGradient);
    }

    @Override
    public void gatedActivation(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
        activations.gated(gate, up, kind, out);
    }

    @Override
    public void gatedActivationGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                                        INDArray gateGradient, INDArray upGradient) {
        activations.gatedGradient(gate, up, kind, outGradient, gateGradient, upGradient);
    }

    @Override
    public void softCap(INDArray x, double cap, INDArray out) {
        activations.softCap(x, cap, out);
    }

    @Override
    public void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
        activations.softCapGradient(out, cap, outGradient, inputGradient);
    }

    @Override
    public void addRow(INDArray x, INDArray row, INDArray out) {
        rowSums.addRow(x, row, out);
    }

    @Override
    public void columnSums(INDArray x, INDArray sums) {
        rowSums.columnSums(x, sums);
    }

    @Override
    public void split(INDArray x, int[] counts, List<INDArray> outs) {
        parts.split(x, counts, outs);
    }

    @Override
    public void join(List<@Nullable INDArray> all, int[] counts, INDArray out) {
        parts.join(all, counts, out);
    }

    @Override
    public void add(INDArray a, INDArray b, INDArray out) {
        elementwise.add(a, b, out);
    }

    @Override
    public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
        experts.choose(logits, normalize, chosen, weights);
    }

    @Override
    public void chooseExpertsGradient(INDArray logits, boolean normalize, INDArray chosen, INDArray weightGradient,
                                      INDArray logitsGradient) {
        experts.chooseGradient(logits, normalize, chosen, weightGradient, logitsGradient);
    }

    @Override
    public void combineRows(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
        experts.combine(y, places, weights, out);
    }

    @Override
    public void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                    @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
        experts.combineGradient(y, places, weights, outGradient, yGradient, weightGradient);
    }

    @Override
    public void scale(INDArray x, double factor, INDArray out) {
        elementwise.scale(x, factor, out);
    }

    @Override
    public void dropout(INDArray x, double rate, long seed, INDArray out) {
        elementwise.dropout(x, rate, seed, out);
    }

    @Override
    public void logSumExp(INDArray logits, INDArray out) {
        distributions.logSumExp(logits, out);
    }

    @Override
    public void logSumExpGradient(INDArray logits, INDArray logSumExp, INDArray outGradient, @Nullable INDArray addend,
                                  INDArray logitsGradient) {
        distributions.logSumExpGradient(logits, logSumExp, outGradient, addend, logitsGradient);
    }

    @Override
    public void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out) {
        distributions.logProbability(logits, labels, logSumExp, out);
    }

    @Override
    public void logProbabilityGradient(INDArray logits, INDArray labels, INDArray logSumExp, INDArray outGradient,
                                       @Nullable INDArray addend, INDArray logitsGradient) {
        distributions.logProbabilityGradient(logits, labels, logSumExp, outGradient, addend, logitsGradient);
    }

    @Override
    public void klDivergence(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp, INDArray out) {
        distributions.klDivergence(from, to, fromLogSumExp, toLogSumExp, out);
    }

    @Override
    public void klDivergenceFromGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                         INDArray divergence, INDArray outGradient, @Nullable INDArray addend,
                                         INDArray fromGradient) {
        distributions.klDivergenceFromGradient(from, to, fromLogSumExp, toLogSumExp, divergence, outGradient, addend,
                fromGradient);
    }

    @Override
    public void klDivergenceToGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                       INDArray outGradient, @Nullable INDArray addend, INDArray toGradient) {
        distributions.klDivergenceToGradient(from, to, fromLogSumExp, toLogSumExp, outGradient, addend, toGradient);
    }

    @Override
    public double squaredNorm(INDArray x) {
        return elementwise.squaredNorm(x);
    }

    @Override
    public boolean isFinite(INDArray x) {
        return elementwise.isFinite(x);
    }

    @Override
    public void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment, AdamWStep step) {
        elementwise.adamW(parameter, gradient, firstMoment, secondMoment, step);
    }

    /** Whether BFLOAT16 is multiplied with AMX. */
    boolean amx() {
        return workers.amx();
    }

    /** How many compiled oneDNN primitives are held. */
    int cachedPrimitives() {
        return workers.cachedPrimitives();
    }

    @Override
    public void close() {
        // First the threads, which ends when no kernel runs any more; then the memory that kernels use.
        workers.close();
        products.close();
        few.close();
        forwardCopies.close();
        gradientCopies.close();
        attention.close();
    }
}
