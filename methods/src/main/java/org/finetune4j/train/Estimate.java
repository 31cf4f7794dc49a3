package org.finetune4j.train;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.EngineForecast;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.op.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Time of training passes: the products that the graph does at the measured rate of one of the model's own, and the bytes
 * that its other operations move at the measured rate of one of these. Measured once per process for each size.
 *
 * @param productsPerSecond operations of matrix products per second
 * @param bytesPerSecond    bytes that element-wise operations move per second
 */
record Estimate(double productsPerSecond, double bytesPerSecond) {
    private static final int PROBE_ROWS = 512;
    private static final int LEAST_PROBES = 5;
    /** Java compiles a loop for speed only after it has run for a while. */
    private static final long PROBE_NANOSECONDS = 400_000_000;
    private static final Map<String, Estimate> KNOWN = new ConcurrentHashMap<>();

    /** The rates of these kernels for a model of this configuration. */
    static Estimate measured(ModelConfig config, Precision precision, Kernels kernels) {
        String key = kernels.name() + " " + precision + " " + config.hiddenSize() + " " + config.intermediateSize();
        return KNOWN.computeIfAbsent(key, name -> measure(config, precision, kernels));
    }

    private static Estimate measure(ModelConfig config, Precision precision, Kernels kernels) {
        long hidden = config.hiddenSize();
        long inner = config.intermediateSize();
        try (INDArray x = Nd4j.ones(precision.type(), PROBE_ROWS, hidden);
             INDArray weight = Nd4j.ones(precision.type(), inner, hidden);
             INDArray gate = Nd4j.ones(precision.type(), PROBE_ROWS, inner);
             INDArray out = Nd4j.ones(precision.type(), PROBE_ROWS, inner)) {
            double product = medianSeconds(() -> kernels.matmul(x, false, weight, true, out, 1, false));
            double elements = medianSeconds(() -> kernels.gatedActivation(gate, gate, Activation.Kind.SILU, out));
            return new Estimate(2.0 * PROBE_ROWS * hidden * inner / product,
                    3.0 * PROBE_ROWS * inner * precision.type().width() / elements);
        }
    }

    /** The median of the last quarter of the runs, when everything is compiled. */
    private static double medianSeconds(Runnable work) {
        long[] took = new long[LEAST_PROBES];
        long end = System.nanoTime() + PROBE_NANOSECONDS;
        int runs = 0;
        while (runs < LEAST_PROBES || System.nanoTime() < end) {
            took = runs < took.length ? took : Arrays.copyOf(took, 2 * runs);
            long began = System.nanoTime();
            work.run();
            took[runs++] = Math.max(1, System.nanoTime() - began);
        }
        long[] later = Arrays.copyOfRange(took, runs - (runs + 3) / 4, runs);
        Arrays.sort(later);
        return later[later.length / 2] * 1e-9;
    }

    /** Seconds of one training pass, without the optimiser. */
    double passSeconds(EngineForecast work) {
        return seconds(work.products(), work.movedBytes());
    }

    /** Seconds of so much work. */
    double seconds(double products, double movedBytes) {
        return products / productsPerSecond + movedBytes / bytesPerSecond;
    }

    /** Seconds of one step of the optimiser: gradients read twice, weights and moments read and written. */
    double optimizerSeconds(long trainable, Precision precision) {
        return 8.0 * trainable * precision.masterType().width() / bytesPerSecond;
    }
}
