package org.finetune4j.kernel.benchmark;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The three products of a linear layer, at the shapes of a step. */
public class MatmulBenchmark extends KernelBenchmark {
    /** Type of activations and weights. */
    @Param({"f32", "bf16"})
    public String dtype;

    /** Tokens, inputs and outputs. */
    @Param({"1024x576x576", "1024x576x192", "1024x576x1536", "1024x1536x576", "1024x576x16", "1024x16x576", "512x576x49152",
            "512x2048x8192"})
    public String layer;

    private INDArray x;
    private INDArray weight;
    private INDArray out;
    private INDArray upstream;
    private INDArray inputGradient;
    private INDArray weightGradient;

    private long[] sizes() {
        String[] parts = layer.split("x");
        return new long[] {Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2])};
    }

    @Override
    Work work(String method) {
        long[] size = sizes();
        double width = type(dtype).width();
        double matrices = width * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2]);
        // A weight's gradient is f32 and added to.
        double more = method.equals("weightGradient") ? (2 * Float.BYTES - width) * size[1] * size[2] : 0;
        return new Work(2.0 * size[0] * size[1] * size[2], matrices + more);
    }

    @Override
    void prepare() {
        long[] size = sizes();
        DataType type = type(dtype);
        x = random(type, size[0], size[1]);
        weight = random(type, size[2], size[1]);
        out = output(type, size[0], size[2]);
        upstream = random(type, size[0], size[2]);
        inputGradient = output(type, size[0], size[1]);
        weightGradient = output(DataType.FLOAT, size[2], size[1]);
    }

    /** {@code x weight^T}. */
    @Benchmark
    public void forward() {
        kernels.matmul(x, false, weight, true, out, 1, false);
    }

    /** {@code upstream weight}. */
    @Benchmark
    public void inputGradient() {
        kernels.matmul(upstream, false, weight, false, inputGradient, 1, false);
    }

    /** {@code weightGradient += upstream^T x}. */
    @Benchmark
    public void weightGradient() {
        kernels.matmul(upstream, true, x, false, weightGradient, 1, true);
    }
}
