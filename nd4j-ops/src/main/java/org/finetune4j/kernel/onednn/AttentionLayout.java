package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.kernel.AttentionShape;

/**
 * Where attention's numbers lie: in a batch a token's heads are beside one another; in scratch memory a block of tokens
 * has its heads below one another, so that the query heads which share a key head form one matrix.
 *
 * @param bfloat16        whether arrays are BFLOAT16, else FLOAT
 * @param scratchBfloat16 whether scratch memory is, which is FLOAT where the processor does not multiply BFLOAT16
 * @param blocks          the new tokens, cut
 * @param keyRows         scratch rows of keys of all sequences, but for those that lie behind the window of all new tokens
 * @param keys            the scratch row of each sequence's first key, had none been left out
 * @param past            the number of each sequence's keys before its first new token
 */
record AttentionLayout(AttentionShape shape, boolean bfloat16, boolean scratchBfloat16, TokenBlocks blocks, int keyRows,
                       int[] keys, int[] past) {
    /** Numbers after a row of values in scratch memory; the first is 1, so that a product also sums what multiplies it. */
    private static final int BESIDE_VALUES = 8;

    /** The layout of new tokens that begin at {@code offsets}, after {@code past} earlier ones of each sequence. */
    static AttentionLayout of(AttentionShape shape, boolean bfloat16, boolean scratchBfloat16, int[] offsets, int[] past) {
        int[] keys = new int[past.length];
        int rows = 0;
        for (int s = 0; s < past.length; s++) {
            int added = offsets[s + 1] - offsets[s];
            int unseen = wholeBlocks(shape.scores().firstKey(past[s]));
            keys[s] = rows - unseen;
            rows += added == 0 ? 0 : filledKeys(past[s] + added) - unseen;
        }
        return new AttentionLayout(shape, bfloat16, scratchBfloat16, new TokenBlocks(offsets), rows, keys, past);
    }

    private static int wholeBlocks(int keys) {
        return keys / TokenBlocks.ROWS * TokenBlocks.ROWS;
    }

    private static int filledKeys(int count) {
        int whole = wholeBlocks(count);
        return whole + TokenBlocks.filled(count - whole);
    }

    /** Bytes of a number in scratch memory. */
    int width() {
        return Lanes.width(scratchBfloat16);
    }

    /** oneDNN's type of the numbers in scratch memory. */
    int type() {
        return Primitive.type(scratchBfloat16);
    }

    int depth() {
        return shape.headDimension();
    }

    /** How queries, outputs and their gradients lie in the batch. */
    HeadLayout arrayQueries() {
        return new HeadLayout(Primitive.type(bfloat16), shape.queryWidth(), depth(), depth());
    }

    /** How keys, values and their gradients lie in the batch, and keys and values in a cache. */
    HeadLayout arrayKeys() {
        return new HeadLayout(Primitive.type(bfloat16), shape.keyValueWidth(), depth(), depth());
    }

    /** How a block's queries, or the gradients of its outputs, lie in scratch memory. */
    HeadLayout scratchQueries(int block) {
        return new HeadLayout(type(), depth(), (long) blocks.filledRows(block) * depth(), depth());
    }

    /** How keys lie in scratch memory. */
    HeadLayout scratchKeys() {
        return new HeadLayout(type(), depth(), (long) keyRows * depth(), depth());
    }

    /** How values lie in scratch memory. */
    HeadLayout scratchValues() {
        return new HeadLayout(type(), valueStride(), (long) keyRows * valueStride(), depth());
    }

    /** How sums over so many rows for each head lie in scratch memory. */
    HeadLayout sums(int rows) {
        return new HeadLayout(Primitive.type(false), depth(), (long) rows * depth(), depth());
    }

    /** Bytes of a head's part of a row in scratch memory. */
    int headBytes() {
        return depth() * width();
    }

    /** Bytes of a head's part of a row in the batch. */
    int arrayHeadBytes() {
        return depth() * Lanes.width(bfloat16);
    }

    /** Bytes from one token's queries to the next's in the batch. */
    long queryBytes() {
        return (long) shape.queryWidth() * Lanes.width(bfloat16);
    }

    /** Bytes from one token's keys, or values, to the next's in the batch. */
    long keyBytes() {
        return (long) shape.keyValueWidth() * Lanes.width(bfloat16);
    }

    /** Numbers from one row of values to the next in scratch memory. */
    int valueStride() {
        return depth() + BESIDE_VALUES;
    }

    /** Columns of a block's scores: its filled rows for each query head of a group. */
    int columns(int block) {
        return shape.group() * blocks.filledRows(block);
    }

    /** The first scratch row of a block's query head. */
    long queryRow(int block, int head) {
        return (long) blocks.start(block) * shape.heads() + (long) head * blocks.filledRows(block);
    }

    /** The scratch row of a key of a sequence. */
    long keyRow(int sequence, int keyValueHead, int place) {
        return (long) keyValueHead * keyRows + keys[sequence] + place;
    }

    /** Scratch rows of all query heads. */
    long allQueryRows() {
        return (long) blocks.allRows() * shape.heads();
    }

    /** Scratch rows of all key-value heads. */
    long allKeyRows() {
        return (long) keyRows * shape.keyValueHeads();
    }

    /** The place in its sequence, past included, of a block's first token. */
    int place(int block) {
        return past[blocks.sequence(block)] + blocks.place(block);
    }

    /** The place of the first key that a block's tokens see, or of one a little before it. */
    int firstSeen(int block) {
        return wholeBlocks(shape.scores().firstKey(place(block)));
    }

    /** The place after the last key that a block's tokens see, filled up. */
    int seen(int block) {
        int last = place(block) + blocks.rows(block) - 1;
        return filledKeys(shape.scores().endKey(last, keyCount(blocks.sequence(block))));
    }

    /** The keys that new tokens see, in pieces of a sequence and a first place each. */
    int[][] keySpans() {
        List<int[]> spans = new ArrayList<>();
        for (int s = 0; s < past.length; s++) {
            int first = wholeBlocks(shape.scores().firstKey(past[s]));
            for (int place = first; place < keyCount(s); place += TokenBlocks.ROWS) {
                spans.add(new int[] {s, place});
            }
        }
        return spans.toArray(new int[0][]);
    }

    /** Keys of a sequence, past and new; 0 where it has no new tokens. */
    int keyCount(int sequence) {
        int end = blocks.firstBlock(sequence + 1);
        return end == blocks.firstBlock(sequence) ? 0 : place(end - 1) + blocks.rows(end - 1);
    }

    /** The blocks, those that see the most keys first. */
    int[] longestFirst() {
        return IntStream.range(0, blocks.count()).boxed().sorted(Comparator.comparing(b -> firstSeen(b) - seen(b)))
                .mapToInt(Integer::intValue).toArray();
    }
}
