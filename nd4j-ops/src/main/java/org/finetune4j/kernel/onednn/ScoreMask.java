package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.AttentionScores;

/** Which queries of a block see a key, and the numbers of its score matrix {@code [keys, group * rows]} that no one sees. */
final class ScoreMask {
    private static final int ZEROS = 7;
    private final AttentionLayout layout;
    private final AttentionScores scores;
    private final int filled;
    private final int place;
    private final int keys;

    ScoreMask(AttentionLayout layout, int block) {
        this.layout = layout;
        scores = layout.shape().scores();
        filled = layout.blocks().filledRows(block);
        place = layout.place(block);
        keys = layout.keyCount(layout.blocks().sequence(block));
    }

    /** The first row of the block that sees the key at a place; those before it are earlier. */
    int first(int key) {
        if (scores.causal()) {
            return Math.min(filled, Math.max(0, key - place));
        }
        // The rows of zeros behind the last key are not keys.
        return key < keys ? 0 : filled;
    }

    /** The row after the last that sees the key at a place; those from it on have it behind their window. */
    int end(int key) {
        // Windows may be as large as an int.
        return scores.window() == 0 ? filled : (int) Math.max(0, Math.min(filled, (long) key - place + scores.window()));
    }

    /** Clears what is hidden in the scores of {@code count} keys from place {@code from} on. */
    void zero(Worker worker, long hidden, int from, int count) {
        int to = from + count;
        // Between these two every row sees every key.
        int seenFrom = scores.window() == 0 ? from : Math.min(to, Math.max(from, place + filled - scores.window()));
        int seenTo = Math.max(seenFrom, Math.min(to, scores.causal() ? place + 1 : keys));
        if (seenFrom == from && seenTo == to) {
            return;
        }
        long rowBytes = (long) layout.shape().group() * filled * layout.width();
        long zeros = worker.buffer(ZEROS, (long) filled * layout.width());
        Memory.zero(zeros, (long) filled * layout.width());
        for (int key = from; key < seenFrom; key++) {
            clear(hidden + (key - from) * rowBytes, zeros, key);
        }
        for (int key = seenTo; key < to; key++) {
            clear(hidden + (key - from) * rowBytes, zeros, key);
        }
    }

    private void clear(long row, long zeros, int key) {
        int first = first(key);
        int end = end(key);
        if (first >= end) {
            Memory.zero(row, (long) layout.shape().group() * filled * layout.width());
        } else {
            clear(row, zeros, 0, first);
            clear(row, zeros, end, filled);
        }
    }

    /** Clears some rows' numbers in each of the group's heads. */
    private void clear(long row, long zeros, int from, int to) {
        if (from == to) {
            return;
        }
        int width = layout.width();
        for (int h = 0; h < layout.shape().group(); h++) {
            // A copy is several times as fast as setting so few bytes.
            Memory.copy(zeros, row + (long) (h * filled + from) * width, (long) (to - from) * width);
        }
    }
}
