package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.bytedeco.dnnl.global.dnnl;

/** Searches the fastest ways to copy and to read memory that no cache holds. */
final class MemoryLimit implements AutoCloseable {
    /** Several times the last cache that a few cores share on any processor of today. */
    private static final long BYTES = 256L << 20;
    private static final int[] PIECES = {64 << 10, 256 << 10, 4 << 20};
    private static final int[] TILES = {256, 1024, 4096};
    private static final int RUNS = 4;
    private static final int VECTOR = 2048;

    private final Workers workers;
    private final NativeBuffer source = new NativeBuffer();
    private final NativeBuffer target = new NativeBuffer();
    private OneDnnLimits.Rate best = new OneDnnLimits.Rate(0, "none");

    MemoryLimit(Workers workers) {
        this.workers = workers;
        // Written once, because untouched memory is all one page of zeros.
        touch(source.reserve(BYTES));
    }

    OneDnnLimits.Rate copying() {
        long from = source.reserve(BYTES);
        long to = target.reserve(BYTES);
        touch(to);
        for (int piece : PIECES) {
            int pieces = (int) (BYTES / piece);
            time(2.0 * BYTES, "Java's copy, " + (piece >> 10) + " KiB at a time", () -> workers.run(pieces,
                    (worker, chunk) -> Memory.copy(from + (long) chunk * piece, to + (long) chunk * piece, piece)));
            time(2.0 * BYTES, "memcpy, " + (piece >> 10) + " KiB at a time", () -> workers.run(pieces, (worker, chunk) ->
                    org.finetune4j.graph.Memory.copy(from + (long) chunk * piece, to + (long) chunk * piece, piece)));
        }
        return best;
    }

    OneDnnLimits.Rate reading() {
        long from = source.reserve(BYTES);
        int piece = 1 << 20;
        for (int tile : TILES) {
            time(BYTES, "tiles of " + tile * Float.BYTES + " bytes", () -> workers.run((int) (BYTES / piece),
                    (worker, chunk) -> {
                        float[] values = worker.floats(0, tile);
                        for (long begin = 0; begin < piece; begin += (long) tile * Float.BYTES) {
                            Memory.read(from + (long) chunk * piece + begin, values, 0, tile);
                        }
                    }));
        }
        for (LimitProduct.Layout layout : LimitProduct.Layout.values()) {
            timeVector(from, new LimitProduct(1, VECTOR, VECTOR, dnnl.dnnl_f32, dnnl.dnnl_f32, layout));
            if (workers.bfloat16()) {
                timeVector(from, new LimitProduct(1, VECTOR, VECTOR, dnnl.dnnl_bf16, dnnl.dnnl_f32, layout));
            }
        }
        return best;
    }

    /** One row by many matrices: what decoding does at batch 1. */
    private void timeVector(long from, LimitProduct product) {
        long matrixBytes = product.secondBytes();
        int matrices = (int) (BYTES / matrixBytes);
        time((double) matrices * matrixBytes, "oneDNN's product of one row and a matrix in "
                + product.layout().words(), () -> workers.run(matrices, (worker, chunk) -> {
                    long out = worker.buffer(0, (long) VECTOR * Float.BYTES);
                    worker.primitive(product, () -> product.compile(worker))
                            .execute(from, from + chunk * matrixBytes, out);
                }));
    }

    private void time(double bytes, String way, Runnable run) {
        double rate = bytes / OneDnnLimits.fastest(RUNS, run);
        if (rate > best.perSecond()) {
            best = new OneDnnLimits.Rate(rate, way);
        }
    }

    private void touch(long address) {
        int piece = 1 << 20;
        int[] words = new int[piece / Integer.BYTES];
        Arrays.fill(words, 0x3f803f80);
        workers.run((int) (BYTES / piece), (worker, chunk) ->
                Memory.writeBytes(words, address + (long) chunk * piece, piece));
    }

    @Override
    public void close() {
        source.close();
        target.close();
    }
}
