package org.finetune4j.kernel.benchmark;

import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The loss over a chunk of f32 logits. */
public class HeadBenchmark extends KernelBenchmark {
    private static final int ROWS = 128;

    /** Tokens of the vocabulary. */
    @Param({"49152", "151936"})
    public int vocabulary;

    private INDArray logits;
    private INDArray labels;
    private INDArray logSumExp;
    private INDArray out;
    private INDArray upstream;
    private INDArray gradient;

    @Override
    Work work(String method) {
        double once = (double) ROWS * vocabulary * Float.BYTES;
        double rows = (double) ROWS * Float.BYTES;
        return new Work(0, switch (method) {
            case "logSumExp" -> once + rows;
            // Labels, their logits and sums in, log-probabilities out.
            case "logProbability" -> 4 * rows;
            // Logits, labels, sums and upstream in.
            case "logProbabilityGradient" -> 2 * once + 3 * rows;
            default -> throw new IllegalArgumentException("no work is known of " + method);
        });
    }

    @Override
    void prepare() {
        logits = random(DataType.FLOAT, ROWS, vocabulary);
        labels = Nd4j.createFromArray(new Random(1).ints(ROWS, 0, vocabulary).toArray());
        out = output(DataType.FLOAT, ROWS);
        logSumExp = output(DataType.FLOAT, ROWS);
        upstream = random(DataType.FLOAT, ROWS);
        gradient = output(DataType.FLOAT, ROWS, vocabulary);
        logSumExp();
    }

    /** What the softmax of every row is normalised by. */
    @Benchmark
    public void logSumExp() {
        kernels.logSumExp(logits, logSumExp);
    }

    /** Log-probability of every row's label, from the sums. */
    @Benchmark
    public void logProbability() {
        kernels.logProbability(logits, labels, logSumExp, out);
    }

    /** Its gradient. */
    @Benchmark
    public void logProbabilityGradient() {
        kernels.logProbabilityGradient(logits, labels, logSumExp, upstream, null, gradient);
    }
}
