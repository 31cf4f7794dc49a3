package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.List;

/**
 * Places arrays in one arena so that those which live at the same time do not overlap.
 *
 * <p>Arrays come in the order in which they are made; each takes the lowest gap that fits.
 */
class MemoryPlan {
    private record Block(long offset, long bytes, int lastUse) {
    }

    private final List<Block> live = new ArrayList<>();
    private long peakBytes;

    /**
     * Places an array.
     *
     * @param bytes   its size
     * @param made    the step that makes it
     * @param lastUse the last step that reads it
     * @return its offset in bytes
     */
    long place(long bytes, int made, int lastUse) {
        live.removeIf(block -> block.lastUse() < made);
        long size = Arena.aligned(Math.max(bytes, 1));
        long offset = 0;
        int index = 0;
        for (; index < live.size(); index++) {
            Block block = live.get(index);
            if (block.offset() - offset >= size) {
                break;
            }
            offset = block.offset() + block.bytes();
        }
        live.add(index, new Block(offset, size, lastUse));
        peakBytes = Math.max(peakBytes, offset + size);
        return offset;
    }

    /** Whether nobody reads the array at {@code offset} after this step. */
    boolean isLastUse(long offset, int step) {
        return live.stream().anyMatch(block -> block.offset() == offset && block.lastUse() == step);
    }

    /** Gives the array at {@code offset} to a successor that takes over its memory until {@code lastUse}. */
    void extend(long offset, int lastUse) {
        for (int i = 0; i < live.size(); i++) {
            Block block = live.get(i);
            if (block.offset() == offset) {
                live.set(i, new Block(offset, block.bytes(), Math.max(block.lastUse(), lastUse)));
                return;
            }
        }
        throw new IllegalStateException("no live array at offset " + offset);
    }

    /** The arena's size in bytes. */
    long peakBytes() {
        return peakBytes;
    }
}
