package org.finetune4j.kernel.benchmark;

import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** What lies between the products of a 135M model, for 1,024 tokens; its arrays fit the caches of many processors. */
public class LayerBenchmark extends KernelBenchmark {
    private static final int TOKENS = 1024;
    private static final int HIDDEN = 576;
    private static final int INNER = 1536;
    private static final int HEAD = 64;

    /** Type of activations. */
    @Param({"f32", "bf16"})
    public String dtype;

    private final RotaryTable table = new RotaryTable(HEAD, 10_000);
    private INDArray x;
    private INDArray weight;
    private INDArray upstream;
    private INDArray residualGradient;
    private INDArray out;
    private INDArray weightGradient;
    private INDArray positions;
    private INDArray gate;
    private INDArray up;
    private INDArray wideUpstream;
    private INDArray wide;
    private INDArray wideOther;

    @Override
    Work work(String method) {
        double narrow = (double) TOKENS * HIDDEN * type(dtype).width();
        double inner = (double) TOKENS * INNER * type(dtype).width();
        return new Work(0, switch (method) {
            case "rmsNorm", "rotary" -> 2 * narrow;
            case "rmsNormGradient", "add" -> 3 * narrow;
            case "rmsNormGradientAdded" -> 4 * narrow;
            case "swiglu" -> 3 * inner;
            case "swigluGradient" -> 5 * inner;
            default -> throw new IllegalArgumentException("no work is known of " + method);
        });
    }

    @Override
    void prepare() {
        DataType type = type(dtype);
        x = random(type, TOKENS, HIDDEN);
        weight = random(type, HIDDEN);
        upstream = random(type, TOKENS, HIDDEN);
        residualGradient = random(type, TOKENS, HIDDEN);
        out = output(type, TOKENS, HIDDEN);
        weightGradient = output(DataType.FLOAT, HIDDEN);
        int[] places = new int[TOKENS];
        for (int t = 0; t < TOKENS; t++) {
            places[t] = t % 256;
        }
        positions = Nd4j.createFromArray(places);
        gate = random(type, TOKENS, INNER);
        up = random(type, TOKENS, INNER);
        wideUpstream = random(type, TOKENS, INNER);
        wide = output(type, TOKENS, INNER);
        wideOther = output(type, TOKENS, INNER);
    }

    /** Root-mean-square normalisation. */
    @Benchmark
    public void rmsNorm() {
        kernels.rmsNorm(x, weight, false, 1e-5, out);
    }

    /** Its gradient towards input and weight. */
    @Benchmark
    public void rmsNormGradient() {
        kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, null, out, weightGradient);
    }

    /** Its gradient added to that of the residual stream, as in a block. */
    @Benchmark
    public void rmsNormGradientAdded() {
        kernels.rmsNormGradient(x, weight, false, 1e-5, upstream, residualGradient, out, weightGradient);
    }

    /** A residual sum. */
    @Benchmark
    public void add() {
        kernels.add(x, upstream, out);
    }

    /** Rotary position embedding. */
    @Benchmark
    public void rotary() {
        kernels.rotary(x, positions, table, false, out);
    }

    /** Gated activation. */
    @Benchmark
    public void swiglu() {
        kernels.gatedActivation(gate, up, Activation.Kind.SILU, wide);
    }

    /** Its gradient. */
    @Benchmark
    public void swigluGradient() {
        kernels.gatedActivationGradient(gate, up, Activation.Kind.SILU, wideUpstream, wide, wideOther);
    }
}
