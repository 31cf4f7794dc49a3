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
        HeadLayout target = layout.scratchQueries(block);
        long to = inScratch(QUERIES, block);
        HeadRows mover = turning(worker, block, layout.shape().heads());
        mover.turn(inBatch(queries, block), layout.arrayQueries(), 1, layout.shape().scale(), to, target);
        mover.fillUp(to, target);
    }

    /** Loads a block's keys, turned, and values. */
    void keysAndValues(Worker worker, int block, long keys, long values) {
        TokenBlocks blocks = layout.blocks();
        int sequence = blocks.sequence(block);
        int place = blocks.place(block);
        long from = blocks.token(block) * layout.keyBytes();
        long to = scratch.at(KEYS) + layout.keyRow(sequence, 0, place) * layout.headBytes();
        HeadRows mover = turning(worker, block, layout.shape().keyValueHeads());
        mover.turn(keys + from, layout.arrayKeys(), 1, 1, to, layout.scratchKeys());
        mover.fillUp(to, layout.scratchKeys());
        values(worker, sequence, place, blocks.rows(block), values + from);
    }

    /** Appends a block's keys, turned, and values to their sequence's cache. */
    void append(Worker worker, int block, long keys, long values, AttentionCache cache) {
        TokenBlocks blocks = layout.blocks();
        long bytes = blocks.rows(block) * layout.keyBytes();
        long from = blocks.token(block) * layout.keyBytes();
        long to = cache.row(blocks.sequence(block), layout.place(block)) * layout.keyBytes();
        if (angles == null) {
            Memory.copy(keys + from, cache.keys() + to, bytes);
        } else {
            turning(worker, block, layout.shape().keyValueHeads())
                    .turn(keys + from, layout.arrayKeys(), 1, 1, cache.keys() + to, layout.arrayKeys());
        }
        Memory.copy(values + from, cache.values() + to, bytes);
    }

    /** Loads keys and values of a sequence from {@code place} on, up to a block of them, from its cache. */
    void cached(Worker worker, int sequence, int place, AttentionCache cache) {
        int rows = Math.min(TokenBlocks.ROWS, layout.keyCount(sequence) - place);
        long from = cache.row(sequence, place) * layout.keyBytes();
        long to = scratch.at(KEYS) + layout.keyRow(sequence, 0, place) * layout.headBytes();
        HeadRows mover = new HeadRows(worker, layout.shape().keyValueHeads(), rows, layout.depth());
        mover.move(cache.keys() + from, layout.arrayKeys(), to, layout.scratchKeys());
        mover.fillUp(to, layout.scratchKeys());
        values(worker, sequence, place, rows, cache.values() + from);
    }

    /** Loads values of the tokens from {@code place} of a sequence on, each followed by a 1. */
    private void values(Worker worker, int sequence, int place, int rows, long values) {
        HeadLayout target = layout.scratchValues();
        long to = scratch.at(VALUES) + target.bytes(layout.keyRow(sequence, 0, place) * target.row());
        int heads = layout.shape().keyValueHeads();
        HeadRows mover = new HeadRows(worker, heads, rows, layout.depth());
        mover.move(values, layout.arrayKeys(), to, target);
        mover.fillUp(to, target);
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < rows; i++) {
                long one = to + target.bytes(head * target.head() + i * target.row() + layout.depth());
                if (target.isBfloat16()) {
                    Memory.putShort(one, (short) (Float.floatToRawIntBits(1) >>> 16));
                } else {
                    Memory.putFloat(one, 1);
                }
            }
        }
    }

    /** Loads a block's gradient of the output, and for each of its queries {@code -L} and {@code -M}. */
    void outGradients(Worker worker, int block, long outs, long outGradients, long logSums) {
        TokenBlocks blocks = layout.blocks();
        int rows = blocks.rows(block);
        int filled = blocks.filledRows(block);
        int heads = layout.shape().heads();
        float[] means = worker.floats(0, heads * filled);
        float[] logs = worker.floats(1, heads * filled);
        float[] rowLogs = worker.floats(2, rows * heads);
        float[] rowMeans = worker.floats(3, rows * heads);
        Memory.read(logSums + 4L * blocks.token(block) * heads, rowLogs, 0, rows * heads);
        HeadRows mover = new HeadRows(worker, heads, rows, layout.depth());
        long to = inScratch(OUT_GRADIENTS, block);
        mover.move(inBatch(outGradients, block), layout.arrayQueries(), to, layout.scratchQueries(block));
        mover.fillUp(to, layout.scratchQueries(block));
        mover.dots(inBatch(outGradients, block), inBatch(outs, block), layout.bfloat16(), rowMeans);
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < filled; i++) {
                int at = head * filled + i;
                means[at] = i < rows ? -rowMeans[i * heads + head] : 0;
                logs[at] = i < rows ? -rowLogs[i * heads + head] : NOTHING;
            }
        }
        Memory.write(means, 0, scratch.at(MEANS) + 4 * layout.queryRow(block, 0), heads * filled);
        Memory.write(logs, 0, scratch.at(LOG_SUMS) + 4 * layout.queryRow(block, 0), heads * filled);
    }

    private HeadRows turning(Worker worker, int block, int heads) {
        return new HeadRows(worker, heads, layout.blocks().rows(block), layout.depth())
                .at(angles, layout.blocks().token(block));
    }

    private long inBatch(long queries, int block) {
        return queries + layout.blocks().token(block) * layout.queryBytes();
    }

    private long inScratch(AttentionScratch.Part part, int block) {
        return scratch.at(part) + layout.queryRow(block, 0) * layout.headBytes();
    }
}
