package org.finetune4j.kernel.benchmark;

import java.util.stream.IntStream;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Attention of 4,096 packed tokens in sequences of one length, with the heads and rotary embedding of a 135M model. */
public class AttentionBenchmark extends KernelBenchmark {
    private static final int TOKENS = 4096;
    private static final AttentionShape SHAPE = new AttentionShape(9, 3, 64);

    /** Type of queries, keys and values. */
    @Param({"f32", "bf16"})
    public String dtype;

    /** Tokens per sequence. */
    @Param({"256", "1024", "4096"})
    public int sequence;

    private INDArray query;
    private INDArray key;
    private INDArray value;
    private INDArray offsets;
    private RotaryPositions rotary;
    private INDArray out;
    private INDArray logSumExp;
    private INDArray upstream;
    private INDArray queryGradient;
    private INDArray keyGradient;
    private INDArray valueGradient;

    private int[] starts() {
        int[] starts = new int[TOKENS / sequence + 1];
        for (int s = 0; s < starts.length; s++) {
            starts[s] = s * sequence;
        }
        return starts;
    }

    @Override
    Work work(String method) {
        double width = type(dtype).width();
        boolean forward = method.equals("forward");
        double bytes = TOKENS * width * (SHAPE.queryWidth() + SHAPE.keyValueWidth()) * (forward ? 2 : 4);
        double logSumsAndPositions = (double) TOKENS * (SHAPE.heads() * Float.BYTES + Integer.BYTES);
        return new Work((forward ? 1 : 2) * SHAPE.operations(starts()),
                bytes + logSumsAndPositions);
    }

    @Override
    void prepare() {
        DataType type = type(dtype);
        query = random(type, TOKENS, SHAPE.queryWidth());
        key = random(type, TOKENS, SHAPE.keyValueWidth());
        value = random(type, TOKENS, SHAPE.keyValueWidth());
        upstream = random(type, TOKENS, SHAPE.queryWidth());
        out = output(type, TOKENS, SHAPE.queryWidth());
        logSumExp = output(DataType.FLOAT, TOKENS, SHAPE.heads());
        queryGradient = output(type, TOKENS, SHAPE.queryWidth());
        keyGradient = output(type, TOKENS, SHAPE.keyValueWidth());
        valueGradient = output(type, TOKENS, SHAPE.keyValueWidth());
        offsets = Nd4j.createFromArray(starts());
        int[] positions = IntStream.range(0, TOKENS).map(token -> token % sequence).toArray();
        rotary = new RotaryPositions(Nd4j.createFromArray(positions), new RotaryTable(SHAPE.headDimension(), 10_000));
        forward();
    }

    /** The attended values. */
    @Benchmark
    public void forward() {
        kernels.attention(query, key, value, offsets, SHAPE, rotary, out, logSumExp);
    }

    /** The gradients of queries, keys and values. */
    @Benchmark
    public void gradient() {
        kernels.attentionGradient(query, key, value, offsets, SHAPE, rotary, out, logSumExp, upstream, queryGradient,
                keyGradient, valueGradient);
    }
}
