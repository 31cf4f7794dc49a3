package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;

/**
 * Moves one head's part of a run of tokens between arrays, where rows lie apart, and scratch memory, where they are
 * contiguous, turning it by the tokens' angles and scaling it on the way.
 *
 * <p>Number {@code i} of a head is paired with number {@code i + pairs}; with the angle of the pair,
 * {@code (a, b) -> factor (a cos - b sin, b cos + a sin)}, and numbers beyond the pairs are scaled alone. In f32; where
 * what is written is BFLOAT16, rounded once at the end.
 */
final class HeadRows {
    private static final int RAW = 8;
    private static final int WIDE = 9;
    private final Worker worker;
    private final boolean bfloat16;
    private final boolean toBfloat16;
    private final int depth;
    private final int rowBytes;
    private final int toRowBytes;
    private @Nullable Angles angles;
    private float[] cosines = {};
    private float[] sines = {};

    /** Moves between a batch's arrays and scratch memory. */
    HeadRows(Worker worker, AttentionLayout layout) {
        this(worker, layout.bfloat16(), layout.scratchBfloat16(), layout.depth());
    }

    private HeadRows(Worker worker, boolean bfloat16, boolean toBfloat16, int depth) {
        this.worker = worker;
        this.bfloat16 = bfloat16;
        this.toBfloat16 = toBfloat16;
        this.depth = depth;
        rowBytes = depth * Lanes.width(bfloat16);
        toRowBytes = depth * Lanes.width(toBfloat16);
    }

    /** Moves between arrays of a batch's type. */
    static HeadRows withinArrays(Worker worker, AttentionLayout layout) {
        return new HeadRows(worker, layout.bfloat16(), layout.bfloat16(), layout.depth());
    }

    /** Takes the angles of {@code rows} tokens from {@code first} on for the calls that follow; null turns nothing. */
    HeadRows at(@Nullable Angles batch, int first, int rows) {
        angles = batch;
        if (batch != null) {
            cosines = worker.floats(8, rows * batch.pairs());
            sines = worker.floats(9, rows * batch.pairs());
            batch.cosines(first, rows, cosines);
            batch.sines(first, rows, sines);
        }
        return this;
    }

    /** Copies rows between arrays; {@code fromBytes} and {@code toBytes} lead from one row to the next. */
    void copy(long from, long fromBytes, int rows, long to, long toBytes) {
        for (int i = 0; i < rows; i++) {
            Memory.copy(from + i * fromBytes, to + i * toBytes, rowBytes);
        }
    }

    /** Copies rows of an array to scratch memory as they are, but for the type of their numbers. */
    void move(long from, long fromBytes, int rows, long to, long toBytes) {
        if (bfloat16 == toBfloat16) {
            copy(from, fromBytes, rows, to, toBytes);
            return;
        }
        for (int i = 0; i < rows; i++) {
            Bfloat16.widen(from + i * fromBytes, to + i * toBytes, depth);
        }
    }

    /** Writes rows of an array turned and scaled to contiguous memory, and zero rows up to {@code filled}. */
    void load(long from, long fromBytes, int rows, int filled, float factor, long to) {
        boolean unchanged = angles == null && factor == 1;
        if (!toBfloat16 || unchanged) {
            move(from, fromBytes, rows, to, toRowBytes);
            Memory.zero(to + (long) rows * toRowBytes, (long) (filled - rows) * toRowBytes);
            if (!unchanged) {
                turn(to, rows, 1, factor);
            }
            return;
        }
        long raw = worker.buffer(RAW, (long) filled * rowBytes);
        copy(from, fromBytes, rows, raw, rowBytes);
        Memory.zero(raw + (long) rows * rowBytes, (long) (filled - rows) * rowBytes);
        long wide = widened(raw, filled);
        turn(wide, rows, 1, factor);
        new Conversion(filled * depth, true).run(worker, wide, to);
    }

    /** Writes contiguous FLOAT rows, turned back and scaled, to an array; the rows are spoilt. */
    void store(long sums, int rows, int filled, float factor, long to, long toBytes) {
        turn(sums, rows, -1, factor);
        long raw = sums;
        if (bfloat16) {
            raw = worker.buffer(RAW, (long) filled * rowBytes);
            new Conversion(filled * depth, true).run(worker, sums, raw);
        }
        copy(raw, rowBytes, rows, to, toBytes);
    }

    /** Dot products of the rows of two arrays, in {@code products [rows]}. */
    void dots(long first, long second, long bytes, int rows, int filled, float[] products, int start) {
        float[] x = worker.floats(10, filled * depth);
        float[] y = worker.floats(11, filled * depth);
        read(first, bytes, rows, filled, x);
        read(second, bytes, rows, filled, y);
        for (int i = 0; i < rows * depth; i++) {
            x[i] *= y[i];
        }
        for (int i = 0; i < rows; i++) {
            products[start + i] = sum(x, i * depth, depth);
        }
    }

    private void read(long from, long fromBytes, int rows, int filled, float[] tile) {
        if (!bfloat16) {
            for (int i = 0; i < rows; i++) {
                Memory.read(from + i * fromBytes, tile, i * depth, depth);
            }
            return;
        }
        long raw = worker.buffer(RAW, (long) filled * rowBytes);
        copy(from, fromBytes, rows, raw, rowBytes);
        Memory.read(widened(raw, filled), tile, 0, rows * depth);
    }

    private long widened(long raw, int filled) {
        return Conversion.floats(worker, WIDE, bfloat16, raw, filled * depth);
    }

    private void turn(long wide, int rows, float sign, float factor) {
        if (angles == null) {
            scale(wide, 1, rows * depth, factor);
            return;
        }
        int pairs = angles.pairs();
        int count = rows * pairs;
        float[] a = worker.floats(10, count);
        float[] b = worker.floats(11, count);
        float[] turned = worker.floats(12, count);
        for (int i = 0; i < rows; i++) {
            Memory.read(wide + 4L * i * depth, a, i * pairs, pairs);
            Memory.read(wide + 4L * (i * depth + pairs), b, i * pairs, pairs);
        }
        turn(a, b, cosines, sines, -sign, factor, turned, count);
        turn(b, a, cosines, sines, sign, factor, b, count);
        for (int i = 0; i < rows; i++) {
            Memory.write(turned, i * pairs, wide + 4L * i * depth, pairs);
            Memory.write(b, i * pairs, wide + 4L * (i * depth + pairs), pairs);
        }
        if (depth > 2 * pairs) {
            scale(wide + 8L * pairs, rows, depth - 2 * pairs, factor);
        }
    }

    /** Scales the first {@code count} numbers of rows a head apart. */
    private void scale(long wide, int rows, int count, float factor) {
        if (factor == 1) {
            return;
        }
        float[] tile = worker.floats(10, rows * count);
        for (int i = 0; i < rows; i++) {
            Memory.read(wide + 4L * i * depth, tile, i * count, count);
        }
        for (int i = 0; i < rows * count; i++) {
            tile[i] *= factor;
        }
        for (int i = 0; i < rows; i++) {
            Memory.write(tile, i * count, wide + 4L * i * depth, count);
        }
    }

    private static void turn(float[] x, float[] y, float[] cos, float[] sin, float sign, float factor, float[] out,
                             int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (x[i] * cos[i] + sign * (y[i] * sin[i])) * factor;
        }
    }

    private static float sum(float[] x, int start, int count) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int i = start;
        int end = start + count;
        for (; i + 3 < end; i += 4) {
            s0 += x[i];
            s1 += x[i + 1];
            s2 += x[i + 2];
            s3 += x[i + 3];
        }
        for (; i < end; i++) {
            s0 += x[i];
        }
        return (s0 + s1) + (s2 + s3);
    }
}
