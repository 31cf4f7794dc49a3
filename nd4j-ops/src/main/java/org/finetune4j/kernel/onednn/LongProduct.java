package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Products {@code a [m, k] b [k, n]} with far more to sum over than there are outputs, such as the gradient that a large
 * vocabulary sends to few tokens: the sum is cut into parts, {@code out = (a_1 b_1 + a_2 b_2) + a_3 b_3 ...}, each computed
 * by one thread, so that both matrices are read once.
 */
final class LongProduct implements AutoCloseable {
    private static final String NAME = "matmul";
    private static final int LONG = 1 << 14;
    private static final int PART = 1 << 13;
    private static final int ROWS = 256;
    private static final int COLUMNS = 512;
    private static final int CHUNK = 1 << 13;
    private final Workers workers;
    private final NativeBuffer partial = new NativeBuffer();

    LongProduct(Workers workers) {
        this.workers = workers;
    }

    /** Whether a sum is one such product. */
    static boolean suits(ProductSum sum) {
        Product product = sum.products().get(0);
        INDArray a = product.a();
        INDArray b = product.b();
        if (sum.products().size() > 1 || sum.addend() != null || sum.accumulate() || product.scales() != null
                || product.transposeA() || product.transposeB() || a.rank() != 2 || b.rank() != 2) {
            return false;
        }
        long k = a.size(1);
        return k >= LONG && k >= 8 * Math.max(a.size(0), b.size(1)) && a.size(0) > FewRows.MOST && b.size(0) == k;
    }

    /** Computes a product that {@link #suits}. */
    void run(Product product, INDArray out) {
        INDArray left = product.a();
        INDArray right = product.b();
        boolean bfloat16 = Operands.isBfloat16(NAME, left);
        Operands.sameType(NAME, left, right);
        if (out.dataType() != DataType.FLOAT) {
            Operands.sameType(NAME, left, out);
        }
        int m = Math.toIntExact(left.size(0));
        int k = Math.toIntExact(left.size(1));
        int n = Math.toIntExact(right.size(1));
        Operands.shape(NAME, out, left, m, n);
        long a = Operands.address(NAME, left);
        long b = Operands.address(NAME, right);
        long target = Operands.address(NAME, out);
        boolean outBfloat16 = out.dataType() == DataType.BFLOAT16;
        int type = bfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32;
        int width = Lanes.width(bfloat16);
        int parts = (k + PART - 1) / PART;
        int columnBlocks = (n + COLUMNS - 1) / COLUMNS;
        long partBytes = 4L * m * n;
        long sums = partial.reserve(parts * partBytes);
        workers.run(parts, (worker, part) -> {
            int first = part * PART;
            int depth = Math.min(PART, k - first);
            for (int row = 0; row < m; row += ROWS) {
                for (int block = 0; block < columnBlocks; block++) {
                    int column = MatrixProduct.boundary(block, columnBlocks, n);
                    int columns = MatrixProduct.boundary(block + 1, columnBlocks, n) - column;
                    new Matmul(Math.min(ROWS, m - row), columns, depth, k, 1, n, 1, n, type, dnnl.dnnl_f32,
                            (float) product.factor(), false).run(worker, a + width * ((long) row * k + first),
                            b + width * ((long) first * n + column), sums + part * partBytes + 4L * ((long) row * n + column));
                }
            }
        });
        int elements = Math.toIntExact((long) m * n);
        workers.run((elements + CHUNK - 1) / CHUNK, (worker, chunk) -> {
            int first = chunk * CHUNK;
            int count = Math.min(CHUNK, elements - first);
            float[] total = worker.floats(0, CHUNK);
            float[] added = worker.floats(1, CHUNK);
            Memory.read(sums + 4L * first, total, 0, count);
            for (int part = 1; part < parts; part++) {
                Memory.read(sums + part * partBytes + 4L * first, added, 0, count);
                for (int i = 0; i < count; i++) {
                    total[i] += added[i];
                }
            }
            Memory.write(total, 0, outBfloat16 ? sums + 4L * first : target + 4L * first, count);
            if (outBfloat16) {
                new Conversion(count, true).run(worker, sums + 4L * first, target + 2L * first);
            }
        });
    }

    @Override
    public void close() {
        partial.close();
    }
}
