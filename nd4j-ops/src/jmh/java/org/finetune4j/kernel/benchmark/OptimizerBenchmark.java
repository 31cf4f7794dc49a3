package org.finetune4j.kernel.benchmark;

import org.finetune4j.kernel.AdamWStep;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** What an optimiser step does with its flat f32 arrays. */
public class OptimizerBenchmark extends KernelBenchmark {
    private static final AdamWStep STEP = new AdamWStep(1e-4, 0.9, 0.999, 1e-8, 0.01, 3, 0.5);

    /** Trainable parameters: those of LoRA on a 135M model, and many more than caches hold. */
    @Param({"4884480", "33554432"})
    public long parameters;

    private INDArray parameter;
    private INDArray gradient;
    private INDArray firstMoment;
    private INDArray secondMoment;

    @Override
    Work work(String method) {
        return new Work(0, (method.equals("adamW") ? 7.0 : 1.0) * parameters * Float.BYTES);
    }

    @Override
    void prepare() {
        parameter = random(DataType.FLOAT, parameters);
        gradient = random(DataType.FLOAT, parameters);
        firstMoment = output(DataType.FLOAT, parameters);
        secondMoment = output(DataType.FLOAT, parameters);
    }

    /** One update: four arrays are read, three are written. */
    @Benchmark
    public void adamW() {
        kernels.adamW(parameter, gradient, firstMoment, secondMoment, STEP);
    }

    /** The norm by which gradients are clipped. */
    @Benchmark
    public double squaredNorm() {
        return kernels.squaredNorm(gradient);
    }
}
