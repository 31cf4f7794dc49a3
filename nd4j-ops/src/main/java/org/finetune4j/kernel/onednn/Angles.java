package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.RotaryAngles;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
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
        RotaryTable table = rotary.table();
        if (table.headDimension() != headDimension) {
            throw new IllegalArgumentException(kernel + ": the rotary table is of head dimension " + table.headDimension()
                    + ", but the heads are of " + headDimension + "; make the table for this head dimension");
        }
        int[] positions = Operands.indices(kernel, rotary.positions(), Integer.MAX_VALUE);
        RotaryAngles angles = table.angles(positions);
        return new Angles(positions, table.pairs(), angles.cosines(positions), angles.sines(positions));
    }

    /** Pairs of a head that are turned. */
    int pairs() {
        return pairs;
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
