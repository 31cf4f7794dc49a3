package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.jspecify.annotations.Nullable;

/**
 * Moves the heads of a run of tokens between arrays, where a token's heads are beside one another, and scratch memory, where
 * they are apart, turning them by the tokens' angles and scaling them on the way.
 *
 * <p>Number {@code i} of a head is paired with number {@code i + pairs}; with the angle of the pair,
 * {@code (a, b) -> factor (a cos - b sin, b cos + a sin)}, and numbers beyond the pairs are scaled alone. In f32; where
 * what is written is BFLOAT16, rounded once at the end.
 */
final class HeadRows {
    private static final int PARTS = 8;
    private static final int FROM = 9;
    private static final int TO = 10;
    private static final int TERMS = 11;
    private static final int DOTS = 15;
    private final Worker worker;
    private final int heads;
    private final int rows;
    private final int depth;
    private final int filled;
    private @Nullable Angles angles;
    private float[] cosines = {};
    private float[] sines = {};

    /** Moves so many heads, of {@code depth} numbers each, of so many rows. */
    HeadRows(Worker worker, int heads, int rows, int depth) {
        this.worker = worker;
        this.heads = heads;
        this.rows = rows;
        this.depth = depth;
        filled = TokenBlocks.filled(rows);
    }

    /** Takes the angles of the rows from token {@code first} of a batch on; null turns nothing. */
    HeadRows at(@Nullable Angles batch, int first) {
        angles = batch;
        if (batch != null) {
            cosines = worker.floats(8, rows * batch.pairs());
            sines = worker.floats(9, rows * batch.pairs());
            batch.cosines(first, rows, cosines);
            batch.sines(first, rows, sines);
        }
        return this;
    }

    /**
     * Writes the heads turned and scaled to where they lie in another way.
     *
     * @param sign 1 to turn, -1 to turn back
     */
    void turn(long from, HeadLayout source, int sign, float factor, long to, HeadLayout target) {
        turn(angles, from, source, sign, factor, to, target);
    }

    /** Writes the heads as they are, but for the type of their numbers, to where they lie in another way. */
    void move(long from, HeadLayout source, long to, HeadLayout target) {
        turn(null, from, source, 1, 1, to, target);
    }

    private void turn(@Nullable Angles by, long from, HeadLayout source, int sign, float factor, long to, HeadLayout target) {
        write(to, target, (wideTo, wideTarget) -> {
            HeadLayout wide = wide(source);
            long wideFrom = from;
            if (wide != source) {
                wideFrom = worker.buffer(FROM, 4L * rows * wide.row());
                Bfloat16.widen(from, source.row(), rows, heads * depth, wideFrom);
            }
            turnWide(by, wideFrom, wide, sign, factor, wideTo, wideTarget);
        });
    }

    /** Writes heads that lie as a FLOAT matrix {@code [depth, heads, filled rows]} to where they lie in another way. */
    void moveTransposed(long from, long to, HeadLayout target) {
        HeadLayout columns = new HeadLayout(dnnl.dnnl_f32, 1, filled, (long) heads * filled);
        write(to, target, (wideTo, wideTarget) ->
                new HeadCopy(rows, heads, depth, 1, columns, wideTarget.cut(1)).run(worker, from, wideTo));
    }

    private interface Writing {
        void to(long address, HeadLayout layout);
    }

    /** Writes to a layout, or where the processor lacks instructions for its type to FLOAT rows that are rounded then. */
    private void write(long to, HeadLayout target, Writing writing) {
        HeadLayout wide = wide(target);
        if (wide == target) {
            writing.to(to, target);
            return;
        }
        long floats = worker.buffer(TO, 4L * rows * wide.row());
        writing.to(floats, wide);
        Bfloat16.narrow(worker, floats, rows, heads * depth, to, target.row());
    }

    /** Zeros the rows that fill these up, of each head, where whole rows lie one after another. */
    void fillUp(long to, HeadLayout target) {
        for (int head = 0; head < heads && rows < filled; head++) {
            Memory.zero(to + target.bytes(head * target.head() + rows * target.row()),
                    target.bytes((filled - rows) * target.row()));
        }
    }

    /** Dot products of the heads of two arrays' dense rows, {@code products [rows, heads]}. */
    void dots(long first, long second, boolean bfloat16, float[] products) {
        int width = heads * depth;
        long terms = worker.buffer(TERMS, 4L * filled * width);
        int count;
        for (int row = 0; row < rows; row += count) {
            count = Integer.highestOneBit(rows - row);
            long offset = (long) row * width * Lanes.width(bfloat16);
            long x = Conversion.floats(worker, FROM, bfloat16, first + offset, count * width);
            long y = Conversion.floats(worker, TO, bfloat16, second + offset, count * width);
            new BinaryPass(BinaryPass.Kind.PRODUCT, count * width, false).run(worker, x, y, terms + 4L * row * width);
        }
        long sums = worker.buffer(DOTS, 4L * filled * heads);
        RowTotals.run(worker, filled * heads, depth, terms, sums);
        Memory.read(sums, products, 0, rows * heads);
    }

    /** The layout itself, or that of dense FLOAT rows where the processor lacks instructions for its type. */
    private HeadLayout wide(HeadLayout layout) {
        return Conversion.isWidened(worker, layout.isBfloat16())
                ? new HeadLayout(dnnl.dnnl_f32, (long) heads * depth, depth, layout.part()) : layout;
    }

    private void turnWide(@Nullable Angles by, long from, HeadLayout source, int sign, float factor, long to,
                          HeadLayout target) {
        int pairs = by == null ? 0 : by.pairs();
        int rest = depth - 2 * pairs;
        if (pairs > 0) {
            HeadLayout halves = new HeadLayout(dnnl.dnnl_f32, pairs, (long) filled * pairs, (long) heads * filled * pairs);
            long parts = worker.buffer(PARTS, 8L * heads * filled * pairs);
            new HeadCopy(rows, heads, 2, pairs, source.cut(pairs), halves).run(worker, from, parts);
            turn(parts, pairs, sign, factor);
            new HeadCopy(rows, heads, 2, pairs, halves, target.cut(pairs)).run(worker, parts, to);
        }
        if (rest == 0) {
            return;
        }
        long restFrom = from + source.bytes(2L * pairs);
        long restTo = to + target.bytes(2L * pairs);
        if (factor == 1) {
            new HeadCopy(rows, heads, 1, rest, source.cut(rest), target.cut(rest)).run(worker, restFrom, restTo);
            return;
        }
        HeadLayout whole = new HeadLayout(dnnl.dnnl_f32, rest, (long) filled * rest, rest);
        long parts = worker.buffer(PARTS, 4L * heads * filled * rest);
        new HeadCopy(rows, heads, 1, rest, source.cut(rest), whole).run(worker, restFrom, parts);
        scale(parts, heads * filled * rest, factor);
        new HeadCopy(rows, heads, 1, rest, whole, target.cut(rest)).run(worker, parts, restTo);
    }

    /** Turns the first halves {@code [heads, filled, pairs]} of the heads at an address and the second ones behind them. */
    private void turn(long halves, int pairs, int sign, float factor) {
        int count = rows * pairs;
        float[] a = worker.floats(10, count);
        float[] b = worker.floats(11, count);
        float[] turned = worker.floats(12, count);
        for (int head = 0; head < heads; head++) {
            long first = halves + 4L * head * filled * pairs;
            long second = first + 4L * heads * filled * pairs;
            Memory.read(first, a, 0, count);
            Memory.read(second, b, 0, count);
            turn(a, b, cosines, sines, -sign, factor, turned, count);
            turn(b, a, cosines, sines, sign, factor, b, count);
            Memory.write(turned, 0, first, count);
            Memory.write(b, 0, second, count);
        }
    }

    private void scale(long numbers, int count, float factor) {
        float[] tile = worker.floats(10, count);
        Memory.read(numbers, tile, 0, count);
        for (int i = 0; i < count; i++) {
            tile[i] *= factor;
        }
        Memory.write(tile, 0, numbers, count);
    }

    private static void turn(float[] x, float[] y, float[] cos, float[] sin, float sign, float factor, float[] out,
                             int count) {
        for (int i = 0; i < count; i++) {
            out[i] = (x[i] * cos[i] + sign * (y[i] * sin[i])) * factor;
        }
    }
}
