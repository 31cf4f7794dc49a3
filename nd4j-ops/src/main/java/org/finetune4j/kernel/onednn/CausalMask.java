package org.finetune4j.kernel.onednn;

/** Clears the numbers of a block's score matrix {@code [keys, group * rows]} that stand for keys after the query. */
final class CausalMask {
    private static final int ZEROS = 7;
    private final AttentionLayout layout;
    private final int filled;
    private final int place;

    CausalMask(AttentionLayout layout, int block) {
        this.layout = layout;
        filled = layout.blocks().filledRows(block);
        place = layout.place(block);
    }

    /** Clears what is hidden in the scores of {@code count} keys from place {@code first} on. */
    void zero(Worker worker, long scores, int first, int count) {
        if (first + count <= place + 1) {
            return;
        }
        int width = layout.width();
        long headBytes = (long) filled * width;
        long rowBytes = layout.shape().group() * headBytes;
        long zeros = worker.buffer(ZEROS, headBytes);
        Memory.zero(zeros, headBytes);
        for (int key = Math.max(first, place + 1); key < first + count; key++) {
            int hidden = key - place;
            if (hidden >= filled) {
                Memory.zero(scores + (key - first) * rowBytes, (first + count - key) * rowBytes);
                return;
            }
            for (int h = 0; h < layout.shape().group(); h++) {
                // A copy is several times as fast as setting so few bytes.
                Memory.copy(zeros, scores + (key - first) * rowBytes + h * headBytes, (long) hidden * width);
            }
        }
    }
}
