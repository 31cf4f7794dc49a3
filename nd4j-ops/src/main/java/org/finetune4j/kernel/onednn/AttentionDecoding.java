package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.finetune4j.kernel.AttentionShape;
import org.jspecify.annotations.Nullable;

/**
 * Attention over a cache where each sequence brings few new tokens, as when texts are generated:
 * {@code out = softmax(score(q k^T)) v} with the queries that share a key-value head below one another, over the keys of the
 * window that ends at the new tokens if there is one.
 *
 * <p>That takes as long as reading the cache takes, so one thread computes a key-value head of a sequence with two
 * products that read keys and values where they are. The number of keys is filled up to a few fixed ones, because
 * oneDNN compiles code for every new one. The rows that fill up lie in the cache behind the sequence's; their scores
 * are not looked at, and their values are multiplied by 0. Where one of these is infinite or no number the values, and
 * where the cache ends before them both, are gathered in scratch memory with zeros behind.
 */
final class AttentionDecoding {
    /** Most new tokens of a sequence that are few. */
    private static final int MOST = 4;
    private static final int KEYS = 0;
    private static final int VALUES = 1;
    private static final int QUERIES = 2;
    private static final int SCORES = 3;
    private static final int PROBABILITIES = 4;
    private static final int RESULT = 5;
    private final AttentionShape shape;
    private final boolean bfloat16;
    private final int[] starts;
    private final int[] lengths;
    private final AttentionCache cache;
    private final @Nullable Angles angles;
    private final int type;
    private final int depth;
    private final int headBytes;
    private final long queryBytes;
    private final long keyBytes;

    /**
     * Attention of new tokens that begin at {@code starts}, after {@code lengths} earlier ones of each sequence.
     *
     * @param angles by which new queries and keys are turned; null where they are not
     */
    AttentionDecoding(AttentionShape shape, boolean bfloat16, int[] starts, int[] lengths, AttentionCache cache,
                      @Nullable Angles angles) {
        this.shape = shape;
        this.bfloat16 = bfloat16;
        this.starts = starts;
        this.lengths = lengths;
        this.cache = cache;
        this.angles = angles;
        type = Primitive.type(bfloat16);
        depth = shape.headDimension();
        headBytes = depth * Lanes.width(bfloat16);
        queryBytes = (long) shape.queryWidth() * Lanes.width(bfloat16);
        keyBytes = (long) shape.keyValueWidth() * Lanes.width(bfloat16);
    }

    /** Whether no sequence brings more than a few tokens. */
    static boolean suits(int[] starts) {
        for (int i = 0; i + 1 < starts.length; i++) {
            if (starts[i + 1] - starts[i] > MOST) {
                return false;
            }
        }
        return true;
    }

    /** A chunk for each sequence and key-value head. */
    int chunks() {
        return lengths.length * shape.keyValueHeads();
    }

    /** Appends a head of a sequence's new keys and values to the cache, and attends with the queries of its group. */
    void run(Worker worker, int chunk, long queries, long keys, long values, long outs) {
        int sequence = chunk / shape.keyValueHeads();
        int head = chunk % shape.keyValueHeads();
        int first = starts[sequence];
        int count = starts[sequence + 1] - first;
        if (count == 0) {
            return;
        }
        long inRow = (long) head * headBytes;
        long cached = cache.row(sequence, 0) * keyBytes + inRow;
        long end = cached + lengths[sequence] * keyBytes;
        for (int i = 0; i < count; i++) {
            long from = (first + i) * keyBytes + inRow;
            TurnedRow.copy(worker, bfloat16, angles, first + i, keys + from, 1, depth,
                    cache.keys() + end + i * keyBytes);
            Memory.copy(values + from, cache.values() + end + i * keyBytes, headBytes);
        }
        long groupInRow = inRow * shape.group();
        long turned = queries(worker, queries + groupInRow, first, count);
        int seen = shape.scores().firstKey(lengths[sequence]);
        attend(worker, turned, count, sequence, seen, cached + seen * keyBytes, outs + first * queryBytes + groupInRow);
    }

    /** The rows of the group's queries, token below token. */
    private long queries(Worker worker, long queries, int first, int count) {
        if (angles == null && count == 1) {
            return queries + first * queryBytes;
        }
        int group = shape.group();
        long target = worker.buffer(QUERIES, (long) count * group * headBytes);
        for (int i = 0; i < count; i++) {
            TurnedRow.copy(worker, bfloat16, angles, first + i, queries + (first + i) * queryBytes, group, depth,
                    target + (long) i * group * headBytes);
        }
        return target;
    }

    /** Attends to the keys of a sequence from place {@code seen} on, the first that any query sees; they lie at {@code cached}. */
    private void attend(Worker worker, long queries, int count, int sequence, int seen, long cached, long outs) {
        int group = shape.group();
        int rows = count * group;
        int past = lengths[sequence] - seen;
        int valid = past + count;
        int columns = filled(valid);
        boolean inside = columns <= cache.capacity() - seen;
        int stride = inside ? shape.keyValueWidth() : depth;
        long keys = inside ? cache.keys() + cached : gathered(worker, KEYS, cache.keys() + cached, valid, columns);
        long scores = worker.buffer(SCORES, 4L * rows * columns);
        float softcap = (float) shape.scores().softcap();
        float factor = softcap == 0 ? 1 : shape.scale() / softcap;
        new Matmul(rows, columns, depth, depth, 1, 1, stride, columns, type, dnnl.dnnl_f32, factor, false)
                .run(worker, queries, keys, scores);
        if (softcap > 0) {
            ActivationPass.run(worker, rows * columns, ActivationPass.Function.TANH, scores, scores);
        }
        for (int row = 0; row < rows; row++) {
            int place = past + row / group;
            int first = shape.scores().firstKey(seen + place) - seen;
            probabilities(worker, scores + 4L * row * columns, first, place + 1, columns,
                    softcap == 0 ? shape.scale() : softcap);
        }
        long probabilities = scores;
        if (bfloat16) {
            probabilities = worker.buffer(PROBABILITIES, 2L * rows * columns);
            new Conversion(rows * columns, true).run(worker, scores, probabilities);
        }
        long values = cache.values() + cached;
        if (!inside || !finite(values + valid * keyBytes, columns - valid)) {
            values = gathered(worker, VALUES, values, valid, columns);
            stride = depth;
        }
        long result = count == 1 ? outs : worker.buffer(RESULT, (long) rows * headBytes);
        new Matmul(rows, depth, columns, columns, 1, stride, 1, depth, type, type, 1, false)
                .run(worker, probabilities, values, result);
        for (int i = 0; count > 1 && i < count; i++) {
            Memory.copy(result + (long) i * group * headBytes, outs + i * queryBytes, (long) group * headBytes);
        }
    }

    /** Replaces a row of scores by the softmax of so many times those from {@code first} to {@code end}, and zero elsewhere. */
    private void probabilities(Worker worker, long scores, int first, int end, int columns, float factor) {
        int valid = end - first;
        float[] tile = worker.floats(0, columns);
        Memory.read(scores + 4L * first, tile, 0, valid);
        for (int i = 0; i < valid; i++) {
            tile[i] *= factor;
        }
        VectorMath.exp(worker, tile, -VectorMath.max(worker, tile, valid), tile, valid);
        float inverse = 1 / VectorMath.sum(tile, valid);
        for (int i = 0; i < valid; i++) {
            tile[i] *= inverse;
        }
        Memory.zero(scores, 4L * first);
        Memory.write(tile, 0, scores + 4L * first, valid);
        Memory.zero(scores + 4L * end, 4L * (columns - end));
    }

    /** Whether all numbers of a head in so many rows are finite; false also where heads are not of whole words. */
    private boolean finite(long from, int rows) {
        if (headBytes % Long.BYTES != 0) {
            return rows == 0;
        }
        long exponents = bfloat16 ? 0x7f80_7f80_7f80_7f80L : 0x7f80_0000_7f80_0000L;
        // Added to an exponent of which all bits are set, the lowest of them carries into the place of the sign.
        long lowest = bfloat16 ? 0x0080_0080_0080_0080L : 0x0080_0000_0080_0000L;
        long carried = 0;
        for (int i = 0; i < rows; i++) {
            long row = from + i * keyBytes;
            for (int at = 0; at < headBytes; at += Long.BYTES) {
                carried |= (Memory.getLong(row + at) & exponents) + lowest;
            }
        }
        long signs = bfloat16 ? 0x8000_8000_8000_8000L : 0x8000_0000_8000_0000L;
        return (carried & signs) == 0;
    }

    /** A head of the first rows of a sequence, and zero rows up to the filled number. */
    private long gathered(Worker worker, int slot, long from, int count, int filled) {
        long target = worker.buffer(slot, (long) filled * headBytes);
        for (int i = 0; i < count; i++) {
            Memory.copy(from + i * keyBytes, target + (long) i * headBytes, headBytes);
        }
        Memory.zero(target + (long) count * headBytes, (long) (filled - count) * headBytes);
        return target;
    }

    /** The number to which so many keys are filled up. */
    private static int filled(int count) {
        if (count <= 16) {
            return count <= 4 ? 4 : count <= 8 ? 8 : 16;
        }
        return count <= 128 ? (count + 15) / 16 * 16 : (count + 63) / 64 * 64;
    }
}
