package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.RotaryPositions;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The angles by which the tokens of a batch are turned, looked up once per kernel. */
final class Angles {
    private final int[] positions;
    private final int pairs;
    private final float[] cosines;
    private final float[] sines;

    private Angles(int[] positions, int pairs, float[] cosines, float[] sines) {
        this.positions = positions;
        this.pairs = pairs;
        this.cosines = cosines;
        this.sines = sines;
    }

    /** The angles of a batch whose tokens are the rows of {@code query}; null where nothing is turned. */
    static @Nullable Angles of(String kernel, @Nullable RotaryPositions rotary, INDArray query, int headDimension) {
        if (rotary == null) {
            return null;
        }
        Operands.shape(kernel, rotary.positions(), query, query.size(0));
        if (2 * rotary.table().pairs() != headDimension) {
            throw new IllegalArgumentException(kernel + ": the rotary table has " + rotary.table().pairs()
                    + " pairs, but heads of dimension " + headDimension + " have " + headDimension / 2.0
                    + "; make the table for this head dimension");
        }
        int[] positions = Operands.indices(kernel, rotary.positions(), Integer.MAX_VALUE);
        int last = 0;
        for (int position : positions) {
            last = Math.max(last, position);
        }
        return new Angles(positions, headDimension / 2, rotary.table().cosines(last + 1), rotary.table().sines(last + 1));
    }

    /** Copies the cosines {@code [rows, pairs]} of the tokens from {@code first} on. */
    void cosines(int first, int rows, float[] to) {
        copy(cosines, first, rows, to);
    }

    /** Copies the sines {@code [rows, pairs]} of the tokens from {@code first} on. */
    void sines(int first, int rows, float[] to) {
        copy(sines, first, rows, to);
    }

    private void copy(float[] table, int first, int rows, float[] to) {
        for (int i = 0; i < rows; i++) {
            System.arraycopy(table, positions[first + i] * pairs, to, i * pairs, pairs);
        }
    }
}
