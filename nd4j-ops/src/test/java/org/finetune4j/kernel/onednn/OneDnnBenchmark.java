package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.Samples.integers;
import static org.finetune4j.kernel.onednn.Samples.output;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryTable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Prints the time of each kernel at the shapes of a 135M model. Not a test. The first argument is the number of threads:
 * with one, the calling thread's processor time is that of the kernel, and a busy machine disturbs it less. The second, if
 * any, is a part of the names of the kernels to time.
 */
final class OneDnnBenchmark {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final int TOKENS = 1024;
    private static final int HIDDEN = 576;
    private static final int WIDE = 1536;

    private static String wanted = "";

    private OneDnnBenchmark() {
    }

    public static void main(String[] arguments) {
        int threads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2;
        wanted = arguments.length > 1 ? arguments[1] : "";
        try (OneDnnKernels kernels = new OneDnnKernels(threads)) {
            for (DataType type : new DataType[] {DataType.FLOAT, DataType.BFLOAT16}) {
                products(kernels, type);
                layers(kernels, type);
                decoding(kernels, type);
            }
            distributions(kernels);
            INDArray[] state = new INDArray[4];
            for (int i = 0; i < 4; i++) {
                state[i] = random(DataType.FLOAT, 4_000_000);
            }
            time("adamW 4M", 0, () -> kernels.adamW(state[0], state[1], state[2], state[3],
                    new AdamWStep(1e-3, 0.9, 0.999, 1e-8, 0.1, 1, 1)));
            time("squaredNorm 4M", 0, () -> kernels.squaredNorm(state[0]));
        }
    }

    private static void products(OneDnnKernels kernels, DataType type) {
        product(kernels, type, TOKENS, HIDDEN, HIDDEN);
        product(kernels, type, TOKENS, HIDDEN, WIDE);
        product(kernels, type, TOKENS, HIDDEN, 16);
        product(kernels, type, 512, HIDDEN, 49152);
        product(kernels, type, 1, HIDDEN, WIDE);
        product(kernels, type, 32, HIDDEN, WIDE);
    }

    private static void product(OneDnnKernels kernels, DataType type, int m, int k, int n) {
        INDArray x = random(type, m, k);
        INDArray weight = random(type, n, k);
        INDArray out = output(n > 10_000 ? DataType.FLOAT : type, m, n);
        INDArray upstream = random(type, m, n);
        INDArray inputGradient = output(type, m, k);
        INDArray weightGradient = output(DataType.FLOAT, n, k);
        String shape = type + " " + m + "x" + k + "x" + n;
        double flops = 2.0 * m * n * k;
        time(shape + " forward", flops, () -> kernels.matmul(x, false, weight, true, out, 1, false));
        time(shape + " dX", flops, () -> kernels.matmul(upstream, false, weight, false, inputGradient, 1, false));
        time(shape + " dW", flops, () -> kernels.matmul(upstream, true, x, false, weightGradient, 1, true));
    }

    private static void layers(OneDnnKernels kernels, DataType type) {
        INDArray x = random(type, TOKENS, HIDDEN);
        INDArray weight = random(type, HIDDEN);
        INDArray upstream = random(type, TOKENS, HIDDEN);
        INDArray out = output(type, TOKENS, HIDDEN);
        INDArray weightGradient = output(DataType.FLOAT, HIDDEN);
        time(type + " rmsNorm", 0, () -> kernels.rmsNorm(x, weight, 1e-5, out));
        time(type + " rmsNormGradient", 0, () -> kernels.rmsNormGradient(x, weight, 1e-5, upstream, out, weightGradient));
        time(type + " add", 0, () -> kernels.add(x, upstream, out));
        INDArray gate = random(type, TOKENS, WIDE);
        INDArray up = random(type, TOKENS, WIDE);
        INDArray wide = output(type, TOKENS, WIDE);
        INDArray other = output(type, TOKENS, WIDE);
        time(type + " swiglu", 0, () -> kernels.swiglu(gate, up, wide));
        time(type + " swigluGradient", 0, () -> kernels.swigluGradient(gate, up, gate, wide, other));
        time(type + " dropout", 0, () -> kernels.dropout(x, 0.1, 1, out));
        INDArray cast = output(type == DataType.FLOAT ? DataType.BFLOAT16 : DataType.FLOAT, TOKENS, WIDE);
        time(type + " cast 1.5M", 0, () -> kernels.scale(gate, 1, cast));
        int[] positions = new int[TOKENS];
        for (int t = 0; t < TOKENS; t++) {
            positions[t] = t % 256;
        }
        INDArray places = integers(positions);
        RotaryTable table = new RotaryTable(64, 10_000);
        time(type + " rotary", 0, () -> kernels.rotary(x, places, table, false, out));
        INDArray rows = output(DataType.FLOAT, 2000, HIDDEN);
        time(type + " embeddingGradient", 0, () -> kernels.embeddingGradient(places, x, rows));
        attention(kernels, type, "4x256", integers(0, 256, 512, 768, 1024), new AttentionShape(9, 3, 64));
        attention(kernels, type, "1x1024", integers(0, 1024), new AttentionShape(9, 3, 64));
        int[] offsets = new int[18];
        for (int i = 1; i < offsets.length; i++) {
            offsets[i] = i == offsets.length - 1 ? TOKENS : offsets[i - 1] + 40 + i * 7 % 40;
        }
        attention(kernels, type, "17 short", integers(offsets), new AttentionShape(6, 2, 32));
    }

    private static void attention(OneDnnKernels kernels, DataType type, String name, INDArray offsets, AttentionShape shape) {
        INDArray q = random(type, TOKENS, shape.queryWidth());
        INDArray k = random(type, TOKENS, shape.keyValueWidth());
        INDArray v = random(type, TOKENS, shape.keyValueWidth());
        INDArray upstream = random(type, TOKENS, shape.queryWidth());
        INDArray out = output(type, TOKENS, shape.queryWidth());
        INDArray logSums = output(DataType.FLOAT, TOKENS, shape.heads());
        INDArray dq = output(type, TOKENS, shape.queryWidth());
        INDArray dk = output(type, TOKENS, shape.keyValueWidth());
        INDArray dv = output(type, TOKENS, shape.keyValueWidth());
        time(type + " attention " + name, 0, () -> kernels.attention(q, k, v, offsets, shape, null, out, logSums));
        time(type + " attentionGradient " + name, 0,
                () -> kernels.attentionGradient(q, k, v, offsets, shape, null, out, logSums, upstream, dq, dk, dv));
    }

    private static void decoding(OneDnnKernels kernels, DataType type) {
        AttentionShape shape = new AttentionShape(6, 2, 32);
        int sequences = 32;
        INDArray q = random(type, sequences, shape.queryWidth());
        INDArray k = random(type, sequences, shape.keyValueWidth());
        INDArray out = output(type, sequences, shape.queryWidth());
        INDArray keyCache = random(type, sequences, 256, shape.keyValueWidth());
        INDArray valueCache = random(type, sequences, 256, shape.keyValueWidth());
        int[] lengths = new int[sequences];
        int[] offsets = new int[sequences + 1];
        for (int i = 0; i < sequences; i++) {
            lengths[i] = 60 + 4 * i;
            offsets[i + 1] = i + 1;
        }
        INDArray filled = integers(lengths);
        INDArray starts = integers(offsets);
        time(type + " cachedAttention 32 sequences", 0,
                () -> kernels.cachedAttention(q, k, k, keyCache, valueCache, filled, starts, shape, null, out));
    }

    private static void distributions(OneDnnKernels kernels) {
        INDArray logits = random(DataType.FLOAT, 256, 49152);
        INDArray gradient = output(DataType.FLOAT, 256, 49152);
        INDArray labels = Nd4j.zeros(DataType.INT, 256);
        INDArray perRow = output(DataType.FLOAT, 256);
        time("logProbability 256x49152", 0, () -> kernels.logProbability(logits, labels, perRow));
        time("logProbabilityGradient 256x49152", 0, () -> kernels.logProbabilityGradient(logits, labels, perRow, gradient));
        time("klDivergence 256x49152", 0, () -> kernels.klDivergence(logits, gradient, perRow));
        time("klDivergenceGradient 256x49152", 0, () -> kernels.klDivergenceGradient(logits, gradient, perRow, gradient, null));
    }

    private static INDArray random(DataType type, long... shape) {
        return Nd4j.rand(DataType.FLOAT, shape).castTo(type);
    }

    private static void time(String name, double flops, Runnable call) {
        long wall = Long.MAX_VALUE;
        long processor = Long.MAX_VALUE;
        if (!name.contains(wanted)) {
            return;
        }
        // Long enough for Java's compiler to have done its best.
        long until = System.nanoTime() + 1_500_000_000L;
        for (int i = 0; i < 20 || System.nanoTime() < until; i++) {
            long usedBefore = THREADS.getCurrentThreadCpuTime();
            long before = System.nanoTime();
            call.run();
            wall = Math.min(wall, System.nanoTime() - before);
            processor = Math.min(processor, THREADS.getCurrentThreadCpuTime() - usedBefore);
        }
        System.out.printf("%-45s %9.3f ms wall %9.3f ms of the calling thread", name, wall / 1e6, processor / 1e6);
        System.out.println(flops == 0 ? "" : String.format("  %4.0f GFLOP/s", flops / wall));
    }
}
