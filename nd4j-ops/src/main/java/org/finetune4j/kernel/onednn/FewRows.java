package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;

/**
 * Products {@code x weight^T} of at most {@value #MOST} rows with a weight {@code [outputs, inputs]}. They take as long as
 * reading the weight takes, so that the weight is cut into chunks of some outputs each, which several threads read side by
 * side, and is read once for all rows.
 *
 * <p>oneDNN multiplies a row-major BFLOAT16 weight at two thirds of the memory's speed, because it packs it anew in each
 * call; so weights that are {@link HeldCopies#hold held} are packed once. Rows are filled up to a few numbers, because oneDNN
 * compiles code for every new shape.
 */
final class FewRows implements AutoCloseable {
    /**
     * Fewer rows are filled up to it where BFLOAT16 is multiplied, with AVX-512: there oneDNN reads a weight for one row a
     * tenth (FLOAT: a fifth) slower than for so many.
     */
    private static final int FEWEST = 6;
    /** The same elsewhere, with AVX2: a weight is read for one row a third slower than for two. */
    private static final int FEWEST_WITH_AVX2 = 2;
    /** Rows that are not filled up with AVX2: a weight is read for four a quarter slower. */
    private static final int UNFILLED_WITH_AVX2 = 3;
    /** Most rows that are few: beyond, arithmetic takes longer than reading. */
    static final int MOST = 32;
    /**
     * Most rows to be multiplied by a packed weight: beyond, packing it anew costs little beside the arithmetic. BFLOAT16
     * that becomes FLOAT on the way into the registers costs more packed than not if there are more than {@link #MOST}.
     */
    private static final int MOST_PACKED = 128;
    /** Bytes of a weight that are worth a chunk, some microseconds of reading, as long as there are not many chunks. */
    private static final long CHUNK_BYTES = 160 << 10;
    private static final int MOST_CHUNKS = 64;
    private static final int RESULT = 0;
    private final HeldCopies copies;
    private final boolean multipliesBfloat16;
    private final RunBuffers prepared = new RunBuffers();

    /**
     * Products by weights of which there may be copies.
     *
     * @param multipliesBfloat16 whether the processor does; else rows of BFLOAT16 become FLOAT, once for all chunks
     */
    FewRows(HeldCopies copies, boolean multipliesBfloat16) {
        this.copies = copies;
        this.multipliesBfloat16 = multipliesBfloat16;
    }

    private boolean isWidened(boolean bfloat16) {
        return bfloat16 && !multipliesBfloat16;
    }

    /** Whether so many rows are few for a weight. */
    boolean suits(int rows, long weight, int outputs, int inputs, boolean bfloat16) {
        return rows <= MOST || rows <= MOST_PACKED && !isWidened(bfloat16)
                && copies.find(weight, outputs, inputs, bfloat16) != null;
    }

    /** How many chunks the outputs of a product are cut into. */
    static int chunks(int outputs, long bytesPerOutput) {
        long wanted = Math.min(MOST_CHUNKS, outputs * bytesPerOutput / CHUNK_BYTES);
        return (int) Math.max(1, Math.min(wanted, outputs / PackedWeight.COLUMNS));
    }

    /** Where chunk {@code index} of {@code chunks} begins: where a block of packed weights does. */
    static int boundary(int index, int chunks, int outputs) {
        return index == chunks ? outputs
                : (int) ((long) outputs * index / chunks) / PackedWeight.COLUMNS * PackedWeight.COLUMNS;
    }

    /** Forgets the terms made so far, which must have been computed. */
    void begin() {
        prepared.begin();
    }

    /**
     * A product, to be computed in chunks.
     *
     * @param x      address of the dense rows
     * @param weight address of the row-major weight
     */
    Term term(long x, long weight, int rows, int outputs, int inputs, boolean bfloat16) {
        int filled = filled(rows);
        boolean widened = isWidened(bfloat16);
        long source = filled == rows && !widened ? x : prepared(x, rows, filled, inputs, bfloat16, widened);
        return new Term(source, rows, filled, weight, inputs, bfloat16, widened, copies.find(weight, outputs, inputs, bfloat16));
    }

    private int filled(int rows) {
        if (!multipliesBfloat16 && rows <= UNFILLED_WITH_AVX2) {
            return Math.max(rows, FEWEST_WITH_AVX2);
        }
        int fewest = multipliesBfloat16 ? FEWEST : 0;
        return rows <= fewest ? fewest : rows <= MOST ? (rows + 3) / 4 * 4 : (rows + 15) / 16 * 16;
    }

    /** A copy of the rows, of the type that is multiplied, with zero rows after them. */
    private long prepared(long x, int rows, int count, int inputs, boolean bfloat16, boolean widened) {
        long rowBytes = (long) inputs * Lanes.width(bfloat16 && !widened);
        return prepared.of(new Prepared(x, rows, rowBytes), count * rowBytes, target -> {
            if (widened) {
                Bfloat16.widen(x, target, rows * inputs);
            } else {
                Memory.copy(x, target, rows * rowBytes);
            }
            Memory.zero(target + rows * rowBytes, (count - rows) * rowBytes);
        });
    }

    /** Frees everything; to be called once nothing computes any more. */
    @Override
    public void close() {
        prepared.close();
    }

    private record Prepared(long x, int rows, long rowBytes) {
    }

    /** One product. */
    record Term(long x, int rows, int filled, long weight, int inputs, boolean bfloat16, boolean widened,
                @Nullable PackedWeight packed) {
        /**
         * {@code out = factor * x weight^T (+ out)} for some outputs.
         *
         * @param first  the first of them, where a chunk begins
         * @param out    address of the first element
         * @param stride elements from one row of the output to the next
         */
        void multiply(Worker worker, int first, int columns, long out, int stride, boolean outBfloat16, float factor,
                      boolean accumulate) {
            boolean narrows = widened && outBfloat16;
            if (filled == rows && !narrows) {
                product(worker, first, columns, out, stride, outBfloat16, factor, accumulate);
                return;
            }
            int width = Lanes.width(outBfloat16 && !narrows);
            long result = worker.buffer(RESULT, (long) filled * columns * width);
            if (accumulate) {
                if (narrows) {
                    Bfloat16.widen(out, stride, rows, columns, result);
                } else {
                    copyRows(out, stride, result, columns, columns, width);
                }
                Memory.zero(result + (long) rows * columns * width, (long) (filled - rows) * columns * width);
            }
            product(worker, first, columns, result, columns, outBfloat16 && !narrows, factor, accumulate);
            if (narrows) {
                Bfloat16.narrow(worker, result, rows, columns, out, stride);
            } else {
                copyRows(result, columns, out, stride, columns, width);
            }
        }

        private void product(Worker worker, int first, int columns, long out, int stride, boolean outBfloat16, float factor,
                             boolean accumulate) {
            int outType = Primitive.type(outBfloat16);
            if (packed != null) {
                packed.multiply(worker, x, filled, first, columns, out, stride, outType, factor, accumulate);
            } else {
                new Matmul(filled, columns, inputs, inputs, 1, 1, inputs, stride,
                        Primitive.type(bfloat16 && !widened), Primitive.type(bfloat16), outType, factor, accumulate)
                        .run(worker, x, weight + (long) first * inputs * Lanes.width(bfloat16), out);
            }
        }

        private void copyRows(long from, long fromStride, long to, long toStride, int columns, int width) {
            for (int row = 0; row < rows; row++) {
                Memory.copy(from + row * fromStride * width, to + row * toStride * width, (long) columns * width);
            }
        }
    }
}
