package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.global.dnnl;

/**
 * BFLOAT16 numbers on processors without instructions for them, where oneDNN refuses to multiply them and converts them
 * a hundred times more slowly than these loops: widened to FLOAT in a worker's memory, computed with, and rounded again.
 */
final class Bfloat16 {
    /** Slots of a worker's memory for widened numbers, which no kernel uses for anything else. */
    static final int FIRST = 12;
    static final int RESULT = 13;
    private static final int TILE = 4096;
    private static final int WORDS = 2;

    private Bfloat16() {
    }

    /** Writes as many numbers at one address as FLOAT to another. */
    static void widen(long from, long to, int count) {
        int pairs = count >> 1;
        for (int i = 0; i < pairs; i++) {
            int pair = Memory.getInt(from + 4L * i);
            Memory.putLong(to + 8L * i, (long) (pair & 0xffff0000) << 32 | (pair << 16) & 0xffffffffL);
        }
        if ((count & 1) != 0) {
            int last = Memory.getShort(from + 2L * (count - 1));
            Memory.putFloat(to + 4L * (count - 1), Float.intBitsToFloat(last << 16));
        }
    }

    /** Writes as many FLOAT numbers at one address rounded to nearest even to another. */
    static void narrow(Worker worker, long from, long to, int count) {
        int[] words = worker.ints(WORDS, TILE);
        for (int first = 0; first < count; first += TILE) {
            int length = Math.min(TILE, count - first);
            Memory.read(from + 4L * first, words, 0, length);
            for (int i = 0; i < length; i++) {
                words[i] = Lanes.round(words[i]);
            }
            join(words, length, to + 2L * first);
        }
    }

    private static void join(int[] words, int count, long to) {
        int pairs = count >> 1;
        for (int i = 0; i < pairs; i++) {
            Memory.putInt(to + 4L * i, words[2 * i] >>> 16 | words[2 * i + 1] & 0xffff0000);
        }
        if ((count & 1) != 0) {
            Memory.putShort(to + 2L * (count - 1), (short) (words[count - 1] >>> 16));
        }
    }

    /**
     * The rows of a matrix as dense FLOAT rows in a worker's memory.
     *
     * @param stride numbers from one row to the next
     */
    static long widened(Worker worker, int slot, long matrix, int rows, int columns, long stride) {
        long dense = worker.buffer(slot, 4L * rows * columns);
        widen(matrix, stride, rows, columns, dense);
        return dense;
    }

    /** Widens the rows of a matrix, {@code stride} numbers apart, into dense FLOAT rows. */
    static void widen(long matrix, long stride, int rows, int columns, long dense) {
        if (stride == columns || rows == 1) {
            widen(matrix, dense, rows * columns);
            return;
        }
        for (int row = 0; row < rows; row++) {
            widen(matrix + 2 * row * stride, dense + 4L * row * columns, columns);
        }
    }

    /** Rounds dense FLOAT rows into a matrix whose rows are {@code stride} numbers apart. */
    static void narrow(Worker worker, long dense, int rows, int columns, long matrix, long stride) {
        if (stride == columns || rows == 1) {
            narrow(worker, dense, matrix, rows * columns);
            return;
        }
        for (int row = 0; row < rows; row++) {
            narrow(worker, dense + 4L * row * columns, matrix + 2 * row * stride, columns);
        }
    }

    /** Computes a product of which the first matrix or the result is of BFLOAT16. */
    static void multiply(Worker worker, Matmul product, long a, long b, long factors, long out) {
        int m = product.m();
        int n = product.n();
        int k = product.k();
        boolean rounds = product.roundsToBfloat16();
        long outRow = rounds ? n : product.outRow();
        long first = a;
        Matmul wide;
        if (product.type() == dnnl.dnnl_f32) {
            wide = product.ofFloats(product.aRow(), product.aColumn(), outRow);
        } else if (product.aColumn() == 1) {
            first = widened(worker, FIRST, a, m, k, product.aRow());
            wide = product.ofFloats(k, 1, outRow);
        } else {
            first = widened(worker, FIRST, a, k, m, product.aColumn());
            wide = product.ofFloats(1, m, outRow);
        }
        if (!rounds) {
            wide.run(worker, first, b, factors, out);
            return;
        }
        long result = result(worker, out, m, n, product.outRow(), product.accumulate());
        wide.run(worker, first, b, factors, result);
        narrow(worker, result, m, n, out, product.outRow());
    }

    /** Where a FLOAT result goes before it is rounded: with what is there already if it is added to. */
    static long result(Worker worker, long out, int rows, int columns, long stride, boolean accumulate) {
        return accumulate ? widened(worker, RESULT, out, rows, columns, stride)
                : worker.buffer(RESULT, 4L * rows * columns);
    }
}
