package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.AttentionScratch.Part.KEYS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.LOG_SUMS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.MEANS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.OUT_GRADIENTS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.QUERIES;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.VALUES;

import org.jspecify.annotations.Nullable;

/** Brings a block of tokens from the batch into scratch memory: heads apart, turned, and queries scaled. */
final class AttentionLoading {
    /** Below every logarithm of a sum, so that e to it is 0: for the rows that only fill a block up. */
    private static final float NOTHING = -1e30f;
    private static final int TURNED = 6;
    private final AttentionLayout layout;
    private final AttentionScratch scratch;
    private final @Nullable Angles angles;

    AttentionLoading(AttentionLayout layout, AttentionScratch scratch, @Nullable Angles angles) {
        this.layout = layout;
        this.scratch = scratch;
        this.angles = angles;
    }

    /** Loads a block's queries, turned and scaled. */
    void queries(Worker worker, int block, long queries) {
        HeadRows mover = turning(worker, block);
        for (int head = 0; head < layout.shape().heads(); head++) {
            mover.load(inBatch(queries, block, head), layout.queryBytes(), layout.blocks().rows(block),
                    layout.blocks().filledRows(block), layout.shape().scale(), inScratch(QUERIES, block, head));
        }
    }

    /** Loads a block's keys, turned, and values. */
    void keysAndValues(Worker worker, int block, long keys, long values) {
        TokenBlocks blocks = layout.blocks();
        int sequence = blocks.sequence(block);
        int place = blocks.place(block);
        HeadRows mover = turning(worker, block);
        for (int g = 0; g < layout.shape().keyValueHeads(); g++) {
            long from = blocks.token(block) * layout.keyBytes() + (long) g * layout.arrayHeadBytes();
            mover.load(keys + from, layout.keyBytes(), blocks.rows(block), blocks.filledRows(block), 1,
                    scratch.at(KEYS) + layout.keyRow(sequence, g, place) * layout.headBytes());
            values(worker, sequence, g, place, blocks.rows(block), blocks.filledRows(block), values + from);
        }
    }

    /** Appends a block's keys, turned, and values to their sequence's cache. */
    void append(Worker worker, int block, long keys, long values, AttentionCache cache) {
        TokenBlocks blocks = layout.blocks();
        int rows = blocks.rows(block);
        long row = cache.row(blocks.sequence(block), layout.place(block)) * layout.keyBytes();
        int headBytes = layout.arrayHeadBytes();
        HeadRows mover = HeadRows.withinArrays(worker, layout).at(angles, blocks.token(block), rows);
        long turned = worker.buffer(TURNED, (long) blocks.filledRows(block) * headBytes);
        for (int g = 0; g < layout.shape().keyValueHeads(); g++) {
            long head = (long) g * headBytes;
            long from = blocks.token(block) * layout.keyBytes() + head;
            if (angles == null) {
                mover.copy(keys + from, layout.keyBytes(), rows, cache.keys() + row + head, layout.keyBytes());
            } else {
                mover.load(keys + from, layout.keyBytes(), rows, blocks.filledRows(block), 1, turned);
                mover.copy(turned, headBytes, rows, cache.keys() + row + head, layout.keyBytes());
            }
            mover.copy(values + from, layout.keyBytes(), rows, cache.values() + row + head, layout.keyBytes());
        }
    }

    /** Loads keys and values of a sequence from {@code place} on, up to a block of them, from its cache. */
    void cached(Worker worker, int sequence, int place, AttentionCache cache) {
        int rows = Math.min(TokenBlocks.ROWS, layout.keyCount(sequence) - place);
        int filled = TokenBlocks.filled(rows);
        long row = cache.row(sequence, place) * layout.keyBytes();
        HeadRows mover = new HeadRows(worker, layout);
        for (int g = 0; g < layout.shape().keyValueHeads(); g++) {
            long from = row + (long) g * layout.arrayHeadBytes();
            mover.load(cache.keys() + from, layout.keyBytes(), rows, filled, 1,
                    scratch.at(KEYS) + layout.keyRow(sequence, g, place) * layout.headBytes());
            values(worker, sequence, g, place, rows, filled, cache.values() + from);
        }
    }

    /** Loads values of a head for the tokens from {@code place} of a sequence on, each followed by a 1. */
    void values(Worker worker, int sequence, int keyValueHead, int place, int rows, int filled, long values) {
        long rowBytes = (long) layout.valueStride() * layout.width();
        long to = scratch.at(VALUES) + layout.keyRow(sequence, keyValueHead, place) * rowBytes;
        new HeadRows(worker, layout).move(values, layout.keyBytes(), rows, to, rowBytes);
        for (int i = 0; i < rows; i++) {
            long one = to + i * rowBytes + layout.headBytes();
            if (layout.scratchBfloat16()) {
                Memory.putShort(one, (short) (Float.floatToRawIntBits(1) >>> 16));
            } else {
                Memory.putFloat(one, 1);
            }
        }
        Memory.zero(to + rows * rowBytes, (filled - rows) * rowBytes);
    }

    /** Loads a block's gradient of the output, and for each of its queries {@code -L} and {@code -M}. */
    void outGradients(Worker worker, int block, long outs, long outGradients, long logSums) {
        TokenBlocks blocks = layout.blocks();
        int rows = blocks.rows(block);
        int filled = blocks.filledRows(block);
        int heads = layout.shape().heads();
        HeadRows mover = new HeadRows(worker, layout);
        float[] means = worker.floats(0, heads * filled);
        float[] logs = worker.floats(1, heads * filled);
        float[] row = worker.floats(2, rows * heads);
        Memory.read(logSums + 4L * blocks.token(block) * heads, row, 0, rows * heads);
        for (int head = 0; head < heads; head++) {
            long from = inBatch(outGradients, block, head);
            long to = inScratch(OUT_GRADIENTS, block, head);
            mover.move(from, layout.queryBytes(), rows, to, layout.headBytes());
            Memory.zero(to + (long) rows * layout.headBytes(), (long) (filled - rows) * layout.headBytes());
            mover.dots(from, inBatch(outs, block, head), layout.queryBytes(), rows, filled, means, head * filled);
            for (int i = 0; i < filled; i++) {
                int at = head * filled + i;
                means[at] = i < rows ? -means[at] : 0;
                logs[at] = i < rows ? -row[i * heads + head] : NOTHING;
            }
        }
        Memory.write(means, 0, scratch.at(MEANS) + 4 * layout.queryRow(block, 0), heads * filled);
        Memory.write(logs, 0, scratch.at(LOG_SUMS) + 4 * layout.queryRow(block, 0), heads * filled);
    }

    private HeadRows turning(Worker worker, int block) {
        return new HeadRows(worker, layout).at(angles, layout.blocks().token(block), layout.blocks().rows(block));
    }

    private long inBatch(long rows, int block, int head) {
        return rows + layout.blocks().token(block) * layout.queryBytes() + (long) head * layout.arrayHeadBytes();
    }

    private long inScratch(AttentionScratch.Part part, int block, int head) {
        return scratch.at(part) + layout.queryRow(block, head) * layout.headBytes();
    }
}
