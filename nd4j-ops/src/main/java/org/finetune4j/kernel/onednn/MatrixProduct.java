package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Matrix products of whole arrays, cut into blocks that each fit a core's cache and are computed by one thread.
 *
 * <p>The number of tokens differs from batch to batch, and oneDNN compiles code for every new shape, which takes a
 * millisecond. So the dimension that counts tokens (the rows, or in a weight's gradient the summed dimension) is cut into
 * pieces of a few fixed sizes, which are soon all compiled.
 */
final class MatrixProduct {
    private static final int ROWS = 256;
    private static final int COLUMNS = 512;
    private static final int SMALL = 16;
    /** Multiplications that are worth a chunk of their own: some tens of microseconds. */
    private static final long CHUNK = 4_000_000;
    private static final String NAME = "matmul";
    private final Workers workers;

    MatrixProduct(Workers workers) {
        this.workers = workers;
    }

    void run(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray out, double alpha, boolean accumulate) {
        Operands.matrix(NAME, a);
        Operands.matrix(NAME, b);
        boolean bfloat16 = Operands.isBfloat16(NAME, a);
        Operands.sameType(NAME, a, b);
        if (out.dataType() != a.dataType() && out.dataType() != DataType.FLOAT) {
            Operands.sameType(NAME, a, out);
        }
        int m = Math.toIntExact(a.size(transposeA ? 1 : 0));
        int k = Math.toIntExact(a.size(transposeA ? 0 : 1));
        int n = Math.toIntExact(b.size(transposeB ? 0 : 1));
        if (b.size(transposeB ? 1 : 0) != k) {
            throw Operands.mismatch(NAME + (transposeA ? " of transposed" : " of") + " a and" + (transposeB ? " transposed" : "")
                    + " b", a, b, "the inner sizes must be equal");
        }
        Operands.shape(NAME, out, a, m, n);
        if (m == 0 || n == 0) {
            return;
        }
        long outAddress = Operands.address(NAME, out);
        boolean outBfloat16 = out.dataType() == DataType.BFLOAT16;
        if (k == 0) {
            if (!accumulate) {
                Memory.zero(outAddress, (long) m * n * Lanes.width(outBfloat16));
            }
            return;
        }
        Layout layout = new Layout(Operands.address(NAME, a), Operands.address(NAME, b), outAddress,
                transposeA ? 1 : k, transposeA ? m : 1, transposeB ? 1 : n, transposeB ? k : 1, n,
                bfloat16, outBfloat16, (float) alpha);
        int rowBlocks = (m + ROWS - 1) / ROWS;
        int columnBlocks = columnBlocks(m, n, k, rowBlocks);
        boolean sumOverTokens = transposeA && !outBfloat16;
        workers.run(rowBlocks * columnBlocks, (worker, chunk) -> {
            int row = chunk / columnBlocks;
            int column = chunk % columnBlocks;
            int firstColumn = boundary(column, columnBlocks, n);
            int columns = boundary(column + 1, columnBlocks, n) - firstColumn;
            if (transposeA) {
                int firstRow = boundary(row, rowBlocks, m);
                int rows = boundary(row + 1, rowBlocks, m) - firstRow;
                int step = sumOverTokens ? piece(k) : k;
                for (int inner = 0; inner < k; inner += step, step = sumOverTokens ? piece(k - inner) : k) {
                    layout.run(worker, firstRow, rows, firstColumn, columns, inner, step, accumulate || inner > 0);
                }
            } else {
                int end = Math.min(m, (row + 1) * ROWS);
                int rows;
                for (int first = row * ROWS; first < end; first += rows) {
                    rows = piece(end - first);
                    layout.run(worker, first, rows, firstColumn, columns, 0, k, accumulate);
                }
            }
        });
    }

    /** The next piece of a dimension of which {@code left} remain: 256, 192, 128, 64, 48, 32, 16, or what is left. */
    private static int piece(int left) {
        if (left >= ROWS) {
            return ROWS;
        }
        if (left >= 64) {
            return left / 64 * 64;
        }
        return left >= SMALL ? left / SMALL * SMALL : left;
    }

    private static int columnBlocks(int m, int n, int k, int rowBlocks) {
        int blocks = (n + COLUMNS - 1) / COLUMNS;
        // Few rows are bound by reading the weights, so that they count as more than they are.
        long work = (long) Math.max(m, SMALL) * n * k;
        long wanted = Math.min(8 / rowBlocks, work / rowBlocks / CHUNK);
        return (int) Math.max(blocks, Math.min(wanted, n / 64));
    }

    /** Where block {@code index} of {@code blocks} begins, at a multiple of 16 so that vectors are whole. */
    private static int boundary(int index, int blocks, int size) {
        return index == blocks ? size : (int) ((long) size * index / blocks) / 16 * 16;
    }

    private record Layout(long a, long b, long out, long aRow, long aColumn, long bRow, long bColumn, long outRow,
                          boolean bfloat16, boolean outBfloat16, float alpha) {
        void run(Worker worker, int row, int rows, int column, int columns, int inner, int depth, boolean accumulate) {
            int width = Lanes.width(bfloat16);
            Matmul product = new Matmul(rows, columns, depth, aRow, aColumn, bRow, bColumn, outRow,
                    bfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, outBfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, alpha, accumulate);
            product.run(worker, a + width * (row * aRow + inner * aColumn), b + width * (inner * bRow + column * bColumn),
                    out + Lanes.width(outBfloat16) * (row * outRow + column));
        }
    }
}
