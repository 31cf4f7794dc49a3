package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.AttentionScratch.Part.KEYS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.QUERIES;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.VALUES;

import java.util.Arrays;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Attention of one block of tokens for one key-value head, from what lies in scratch memory:
 * {@code P' = e^(K Q' - shift)} and {@code out' = [V 1]' P'}, whose last row are the sums by which the others are divided.
 * Matrices are transposed so that what belongs to a query is a column, and scores live only piece by piece in the cache.
 *
 * <p>The shift of a query only has to keep numbers within range, and its score with one key does so unless the largest score
 * lies far from that, which shows in the sum. Then the largest score is looked up and the block computed again. That key is
 * the first of the sequence, or with a window the block's own first; a query may not see that one.
 */
final class AttentionForward {
    private static final int KEYS_AT_ONCE = 256;
    /** What scores may exceed the one key's by, about: e^90 is near the largest FLOAT, and e^-87 near the smallest. */
    private static final float HEADROOM = 30;
    private static final float LARGEST_SUM = 1e26f;
    private static final float SMALLEST_SUM = 1e-26f;
    private static final int SCORES = 0;
    private static final int RESULT = 1;
    private static final int SHIFTS = 2;
    private final AttentionLayout layout;
    private final AttentionScratch scratch;
    private final long outs;
    private final long logSums;
    private final float softcap;

    /**
     * Attention of a batch that lies in scratch memory.
     *
     * @param outs    where the output goes
     * @param logSums where the logarithms of the sums go, or 0
     */
    AttentionForward(AttentionLayout layout, AttentionScratch scratch, long outs, long logSums) {
        this.layout = layout;
        this.scratch = scratch;
        this.outs = outs;
        this.logSums = logSums;
        softcap = (float) layout.shape().scores().softcap();
    }

    void run(Worker worker, int block, int keyValueHead) {
        int columns = layout.columns(block);
        int group = layout.shape().group();
        long queries = scratch.at(QUERIES) + layout.queryRow(block, keyValueHead * group) * layout.headBytes();
        long row = layout.keyRow(layout.blocks().sequence(block), keyValueHead, 0);
        long keys = scratch.at(KEYS) + row * layout.headBytes();
        long values = scratch.at(VALUES) + row * layout.valueStride() * layout.width();
        long shifts = worker.buffer(SHIFTS, 4L * columns);
        long result = worker.buffer(RESULT, 4L * (layout.depth() + 1) * columns);
        float[] shift = worker.floats(0, columns);
        float[] sums = worker.floats(1, columns);
        int one = layout.shape().scores().window() == 0 ? 0 : layout.place(block);
        product(1, columns).run(worker, keys + (long) one * layout.headBytes(), queries, shifts);
        Memory.read(shifts, shift, 0, columns);
        for (int i = 0; i < columns; i++) {
            shift[i] = -HEADROOM - capped(shift[i]);
        }
        attend(worker, block, queries, keys, values, shift, sums, result);
        if (!withinRange(block, sums)) {
            largestScores(worker, block, queries, keys, shift);
            attend(worker, block, queries, keys, values, shift, sums, result);
        }
        write(worker, block, keyValueHead * group, result, shift, sums);
    }

    private void attend(Worker worker, int block, long queries, long keys, long values, float[] shift, float[] sums,
                        long result) {
        int columns = layout.columns(block);
        int depth = layout.depth();
        int stride = layout.valueStride();
        int seen = layout.seen(block);
        long shifts = worker.buffer(SHIFTS, 4L * columns);
        long scores = worker.buffer(SCORES, (long) KEYS_AT_ONCE * columns * layout.width());
        Memory.write(shift, 0, shifts, columns);
        ScoreMask mask = new ScoreMask(layout, block);
        int from = layout.firstSeen(block);
        for (int first = from; first < seen; first += KEYS_AT_ONCE) {
            int count = Math.min(KEYS_AT_ONCE, seen - first);
            long piece = keys + (long) first * layout.headBytes();
            if (softcap == 0) {
                new ScoreProduct(count, columns, depth, depth, layout.type(), true)
                        .exponentials(worker, piece, queries, shifts, scores);
            } else {
                new CappedScores(count, columns, depth, layout.type(), softcap)
                        .exponentials(worker, piece, queries, shifts, scores);
            }
            mask.zero(worker, scores, first, count);
            new Matmul(depth + 1, columns, count, 1, stride, columns, 1, columns, layout.type(), dnnl.dnnl_f32, 1, first > from)
                    .run(worker, values + (long) first * stride * layout.width(), scores, result);
        }
        Memory.read(result + 4L * depth * columns, sums, 0, columns);
    }

    private Matmul product(int keys, int columns) {
        int depth = layout.depth();
        return new Matmul(keys, columns, depth, depth, 1, 1, depth, columns, layout.type(), dnnl.dnnl_f32, 1, false);
    }

    private float capped(float score) {
        return softcap == 0 ? score : softcap * (float) Math.tanh(score / softcap);
    }

    /** Whether the sums of all that exist are neither so large nor so small that numbers went out of range. */
    private boolean withinRange(int block, float[] sums) {
        int filled = layout.blocks().filledRows(block);
        for (int h = 0; h < layout.shape().group(); h++) {
            for (int i = 0; i < layout.blocks().rows(block); i++) {
                float sum = sums[h * filled + i];
                if (!(sum < LARGEST_SUM && sum > SMALLEST_SUM)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Sets the shifts to minus the largest score of each query. */
    private void largestScores(Worker worker, int block, long queries, long keys, float[] shift) {
        int columns = layout.columns(block);
        int filled = layout.blocks().filledRows(block);
        int seen = layout.seen(block);
        ScoreMask mask = new ScoreMask(layout, block);
        long scores = worker.buffer(SCORES, 4L * KEYS_AT_ONCE * columns);
        float[] row = worker.floats(2, columns);
        Arrays.fill(shift, 0, columns, Float.POSITIVE_INFINITY);
        for (int first = layout.firstSeen(block); first < seen; first += KEYS_AT_ONCE) {
            int count = Math.min(KEYS_AT_ONCE, seen - first);
            product(count, columns).run(worker, keys + (long) first * layout.headBytes(), queries, scores);
            for (int i = 0; i < count; i++) {
                Memory.read(scores + 4L * i * columns, row, 0, columns);
                int from = mask.first(first + i);
                int end = mask.end(first + i);
                for (int c = 0; c < columns; c++) {
                    int at = c % filled;
                    shift[c] = at < from || at >= end ? shift[c] : Math.min(shift[c], -row[c]);
                }
            }
        }
        for (int c = 0; c < columns; c++) {
            shift[c] = -capped(-shift[c]);
        }
    }

    private void write(Worker worker, int block, int firstHead, long result, float[] shift, float[] sums) {
        int columns = layout.columns(block);
        int depth = layout.depth();
        int filled = layout.blocks().filledRows(block);
        int rows = layout.blocks().rows(block);
        int token = layout.blocks().token(block);
        int heads = layout.shape().heads();
        if (logSums != 0) {
            for (int h = 0; h < layout.shape().group(); h++) {
                for (int i = 0; i < rows; i++) {
                    int column = h * filled + i;
                    Memory.putFloat(logSums + 4 * ((long) (token + i) * heads + firstHead + h),
                            (float) (Math.log(sums[column]) - shift[column]));
                }
            }
        }
        for (int i = 0; i < columns; i++) {
            sums[i] = 1 / sums[i];
        }
        long factors = worker.buffer(SHIFTS, 4L * columns);
        Memory.write(sums, 0, factors, columns);
        new ColumnScaling(depth, columns).run(worker, result, factors);
        new HeadRows(worker, layout.shape().group(), rows, depth).moveTransposed(result,
                outs + token * layout.queryBytes() + (long) firstHead * layout.arrayHeadBytes(), layout.arrayQueries());
    }
}
