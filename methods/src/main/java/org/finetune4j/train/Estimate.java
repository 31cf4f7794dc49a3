package org.finetune4j.train;

import org.finetune4j.checkpoint.ModelConfig;
import org.finetune4j.head.ChunkedHead;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.Precision;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Memory and time of a training before it is begun, from the sizes of the model and one timed matrix product. */
final class Estimate {
    private static final int MASTER_GRADIENT_MOMENTS = 16;
    private static final int PROBE_ROWS = 512;
    private static final int PROBES = 3;
    /** Share of a step's time in matrix products as steps of small models were timed; the rest moves memory. */
    private static final double PRODUCT_SHARE = 0.35;

    private final ModelConfig config;
    private final Precision precision;
    private final long total;
    private final long trainable;
    private final boolean adapter;
    private final boolean reference;

    /**
     * An estimate.
     *
     * @param total     parameters of the base
     * @param trainable parameters that train
     * @param reference whether the objective compares with a reference model
     */
    Estimate(ModelConfig config, Precision precision, long total, long trainable, boolean adapter, boolean reference) {
        this.config = config;
        this.precision = precision;
        this.total = total;
        this.trainable = trainable;
        this.adapter = adapter;
        this.reference = reference;
    }

    /** Bytes of arrays when a micro-batch has so many tokens, of which so many are supervised. */
    long memoryBytes(long tokens, long supervised) {
        long width = precision.type().width();
        long base = total * width;
        // Full training has masters in FLOAT, and a copy of them where the graph computes in another type.
        long own = adapter ? base : precision.type() == precision.masterType() ? 0 : base;
        long frozenCopy = reference && !adapter ? base : 0;
        return own + frozenCopy + trainable * MASTER_GRADIENT_MOMENTS + activationBytes(tokens, supervised);
    }

    /** Bytes of intermediate arrays of one pass forward and backward, the chunk of logits among them. */
    long activationBytes(long tokens, long supervised) {
        long hidden = config.hiddenSize();
        long query = (long) config.heads() * config.headDimension();
        long keyValue = (long) config.keyValueHeads() * config.headDimension();
        long inner = config.intermediateSize();
        // Kept for the reverse pass: two norms and two sums; queries before and after rotation and attention's output;
        // keys twice and values; gate, up and their product.
        long perLayer = 4 * hidden + 3 * query + 3 * keyValue + 3 * inner;
        long passing = 2 * hidden;
        // Logits and their gradient; with a reference its logits, and the gradient of the divergence before the sum.
        long logits = Math.min(supervised, ChunkedHead.rowsFor(config.vocabularySize())) * config.vocabularySize()
                * (precision.masterType().width() * (reference ? 3 : 1) + precision.type().width());
        return tokens * (config.layers() * perLayer + passing) * precision.type().width() + logits;
    }

    /** Seconds of training on so many tokens, counting every micro-batch. */
    double seconds(long tokens, Kernels kernels) {
        // 2 operations per parameter and token forward, 2 for the input's gradient, 2 for the weight's; an adapter's
        // own parameters are few.
        double perToken = (adapter ? 4.0 : 6.0) * total + (reference ? 2.0 * total : 0);
        return perToken * tokens / productsPerSecond(kernels) / PRODUCT_SHARE;
    }

    private double productsPerSecond(Kernels kernels) {
        long hidden = config.hiddenSize();
        long inner = config.intermediateSize();
        try (INDArray x = Nd4j.zeros(precision.type(), PROBE_ROWS, hidden);
             INDArray weight = Nd4j.zeros(precision.type(), inner, hidden);
             INDArray out = Nd4j.zeros(precision.type(), PROBE_ROWS, inner)) {
            long best = Long.MAX_VALUE;
            for (int i = 0; i <= PROBES; i++) {
                long began = System.nanoTime();
                kernels.matmul(x, false, weight, true, out, 1, false);
                long took = Math.max(1, System.nanoTime() - began);
                // The first product also sets the kernel up.
                best = i == 0 ? best : Math.min(best, took);
            }
            return 2.0 * PROBE_ROWS * hidden * inner / (best * 1e-9);
        }
    }
}
