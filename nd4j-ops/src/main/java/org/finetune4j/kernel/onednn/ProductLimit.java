package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bytedeco.dnnl.global.dnnl;
import org.finetune4j.graph.Arena;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Searches the fastest matrix product of one type. */
final class ProductLimit implements AutoCloseable {
    /**
     * Rows, columns and inner size of what one thread computes: half of the products of a 135M model's step and of
     * larger models', then sizes that suit the caches of a core.
     */
    private static final int[][] SHAPES = {
            {512, 576, 576}, {512, 1536, 576}, {512, 576, 1536}, {256, 512, 576}, {512, 2048, 2048},
            {256, 256, 256}, {384, 384, 384}, {480, 480, 480}, {512, 512, 512}, {768, 768, 768}, {1024, 1024, 1024}};
    /** Tokens, inputs and outputs of linear layers, multiplied by the project's kernel in a step's three ways. */
    private static final int[][] LAYERS = {{1024, 576, 1536}, {1024, 1024, 1024}};
    private static final int RUNS = 6;
    /** Operations of one thread in a run, so that starting the threads does not count: more than a millisecond. */
    private static final double RUN_OPERATIONS = 8e8;

    private final Workers workers;
    private final DataType type;
    private final int oneDnnType;
    private final boolean widened;
    private final int threads;
    private final NativeBuffer firsts = new NativeBuffer();
    private final NativeBuffer seconds = new NativeBuffer();
    private final NativeBuffer outs = new NativeBuffer();
    private OneDnnLimits.Rate best = new OneDnnLimits.Rate(0, "none");

    ProductLimit(Workers workers, DataType type) {
        this.workers = workers;
        this.threads = workers.threads();
        if (type != DataType.FLOAT && type != DataType.BFLOAT16) {
            throw new IllegalArgumentException("oneDNN's matrix products of " + type + " are not measured; choose FLOAT "
                    + "or BFLOAT16");
        }
        widened = type == DataType.BFLOAT16 && !workers.bfloat16();
        this.type = widened ? DataType.FLOAT : type;
        oneDnnType = Primitive.type(this.type == DataType.BFLOAT16);
    }

    OneDnnLimits.Rate best() {
        for (LimitProduct product : plain()) {
            time(product);
        }
        for (int[] layer : LAYERS) {
            timeKernel(layer[0], layer[1], layer[2]);
        }
        return best;
    }

    private List<LimitProduct> plain() {
        List<LimitProduct> products = new ArrayList<>();
        for (int[] shape : SHAPES) {
            for (LimitProduct.Layout layout : LimitProduct.Layout.values()) {
                products.add(new LimitProduct(shape[0], shape[1], shape[2], oneDnnType, dnnl.dnnl_f32, layout));
                if (oneDnnType != dnnl.dnnl_f32) {
                    products.add(new LimitProduct(shape[0], shape[1], shape[2], oneDnnType, oneDnnType, layout));
                }
            }
        }
        return products;
    }

    /** Every thread multiplies its own rows by the same matrix. */
    private void time(LimitProduct product) {
        int times = (int) Math.max(1, Math.ceil(RUN_OPERATIONS / product.operations()));
        long firstElements = (long) product.rows() * product.inner();
        long firstBytes = firstElements * type.width();
        long outBytes = (long) product.rows() * product.columns() * (product.outType() == dnnl.dnnl_bf16 ? 2 : 4);
        long first = random(firsts, threads * firstElements);
        long second = random(seconds, product.secondBytes() / type.width());
        long out = outs.reserve(threads * outBytes);
        double fastest = OneDnnLimits.fastest(RUNS, () -> workers.run(threads, (worker, chunk) -> {
            Primitive primitive = worker.primitive(product, () -> product.compile(worker));
            for (int i = 0; i < times; i++) {
                primitive.execute(first + chunk * firstBytes, second, out + chunk * outBytes);
            }
        }));
        note(threads * times * product.operations() / fastest, threads + " threads, each " + product.rows() + " x "
                + product.inner() + " by " + product.inner() + " x " + product.columns() + " in "
                + product.layout().words()
                + (product.outType() == oneDnnType ? "" : " into f32"));
    }

    private void timeKernel(int tokens, int inputs, int outputs) {
        try (HeldCopies none = new HeldCopies(workers, PackedWeight.Use.FORWARD);
                MatrixProduct kernel = new MatrixProduct(workers, new FewRows(none, workers.bfloat16()), none)) {
            timeKernel(kernel, tokens, inputs, outputs);
        }
    }

    private void timeKernel(MatrixProduct kernel, int tokens, int inputs, int outputs) {
        INDArray x = Arena.arrayAt(random(firsts, (long) tokens * inputs), type, tokens, inputs);
        INDArray weight = Arena.arrayAt(random(seconds, (long) outputs * inputs), type, outputs, inputs);
        INDArray out = Arena.arrayAt(outs.reserve((long) tokens * outputs * type.width()), type, tokens, outputs);
        timeKernel("forward", kernel, x, false, weight, true, out);
        INDArray upstream = Arena.arrayAt(random(seconds, (long) tokens * outputs), type, tokens, outputs);
        INDArray gradient = Arena.arrayAt(outs.reserve((long) outputs * inputs * Float.BYTES), DataType.FLOAT, outputs,
                inputs);
        timeKernel("weight gradient", kernel, upstream, true, x, false, gradient);
    }

    private void timeKernel(String use, MatrixProduct kernel, INDArray a, boolean transposeA, INDArray b,
                            boolean transposeB, INDArray out) {
        double operations = 2.0 * a.length() * out.size(1);
        List<ProductSum> product = List.of(new ProductSum(List.of(new Product(a, transposeA, b, transposeB, 1)), null,
                out, false));
        double fastest = OneDnnLimits.fastest(RUNS, () -> kernel.run(product));
        note(operations / fastest, "finetune4j's kernel, " + use + ", " + a.size(transposeA ? 1 : 0) + " x "
                + a.size(transposeA ? 0 : 1) + " x " + out.size(1));
    }

    private void note(double rate, String way) {
        if (rate > best.perSecond()) {
            best = new OneDnnLimits.Rate(rate,
                    way + (widened ? ", of f32, since this processor does not multiply bf16" : ""));
        }
    }

    /** Numbers of magnitude 0.5 to 1 and either sign: zeros and subnormal numbers would not take the usual time. */
    private long random(NativeBuffer buffer, long elements) {
        long bytes = elements * type.width();
        long address = buffer.reserve(bytes);
        SplittableRandom random = new SplittableRandom(elements);
        int[] words = new int[4096];
        boolean bfloat16 = type == DataType.BFLOAT16;
        for (int i = 0; i < words.length; i++) {
            words[i] = bfloat16 ? random.nextInt() & 0x807f807f | 0x3f003f00 : random.nextInt() & 0x807fffff | 0x3f000000;
        }
        for (long done = 0; done < bytes; done += 4L * words.length) {
            Memory.writeBytes(words, address + done, (int) Math.min(4L * words.length, bytes - done));
        }
        return address;
    }

    @Override
    public void close() {
        firsts.close();
        seconds.close();
        outs.close();
    }
}
