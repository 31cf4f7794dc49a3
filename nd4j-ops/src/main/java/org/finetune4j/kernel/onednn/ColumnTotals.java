package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;

/** Sums over the rows of a matrix, which chunks of rows take by themselves and which are then added in their order. */
final class ColumnTotals {
    /** Most chunks of a matrix: their sums take memory of its columns only, and each is work for a thread. */
    private static final int CHUNKS = 256;
    private final float @Nullable [][] partial;
    private final int columns;

    /** Sums of so many columns, or nothing where none are wanted. */
    ColumnTotals(boolean wanted, int chunks, int columns) {
        this.partial = new float[wanted ? chunks : 0][];
        this.columns = columns;
    }

    /** Rows of a chunk, a multiple of a block's: whatever the number of threads is, which must not change a bit. */
    static int rowsPerChunk(int rows, int block) {
        int blocks = (rows - 1) / block + 1;
        return ((blocks - 1) / CHUNKS + 1) * block;
    }

    /** The sums of one chunk, at first zero; null where none are wanted. */
    float @Nullable [] of(int chunk) {
        if (partial.length == 0) {
            return null;
        }
        float[] sums = new float[columns];
        partial[chunk] = sums;
        return sums;
    }

    /** Adds the sums of all chunks to FLOAT numbers at an address. */
    void addTo(long target) {
        addTo(target, false);
    }

    /** Adds the sums of all chunks, in {@link Lanes lane order} if they are so, to FLOAT numbers at an address. */
    void addTo(long target, boolean lanes) {
        float[] total = new float[columns];
        for (float[] sums : partial) {
            for (int i = 0; i < columns; i++) {
                total[i] += sums[i];
            }
        }
        float[] gradient = new float[columns];
        Memory.read(target, gradient, 0, columns);
        for (int i = 0; i < columns; i++) {
            gradient[i] += total[Lanes.lane(lanes, i, columns)];
        }
        Memory.write(gradient, 0, target, columns);
    }
}
