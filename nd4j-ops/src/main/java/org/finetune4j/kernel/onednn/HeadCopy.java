package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;

/**
 * A copy of the heads of some rows to where they lie in another way or are of another type, by one thread, rounding to
 * nearest even.
 *
 * @param parts   parts of a head
 * @param numbers contiguous numbers of a part
 */
record HeadCopy(int rows, int heads, int parts, int numbers, HeadLayout from, HeadLayout to) {
    /** Copies between these addresses; the processor must have instructions for the types if they differ. */
    void run(Worker worker, long source, long target) {
        int count;
        // The number of rows differs from block to block: powers of two share their primitives.
        for (int first = 0; first < rows; first += count) {
            count = Integer.highestOneBit(rows - first);
            HeadCopy piece = new HeadCopy(count, heads, parts, numbers, from, to);
            worker.primitive(piece, () -> piece.compile(worker))
                    .execute(source + from.bytes(first * from.row()), target + to.bytes(first * to.row()));
        }
    }

    private Primitive compile(Worker worker) {
        return Primitive.reorder(worker, this, describe(from), describe(to));
    }

    private dnnl_memory_desc describe(HeadLayout layout) {
        return Primitive.describe(layout.type(), new long[] {rows, heads, parts, numbers},
                new long[] {layout.row(), layout.head(), layout.part(), 1});
    }
}
