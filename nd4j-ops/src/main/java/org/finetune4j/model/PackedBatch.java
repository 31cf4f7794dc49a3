package org.finetune4j.model;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.finetune4j.head.BatchExtras;

/**
 * Sequences laid one after another without padding. It owns its arrays, which are not copied: nobody may change them.
 *
 * @param ids            token ids {@code [tokens]}
 * @param positions      place of each token in its own sequence {@code [tokens]}
 * @param offsets        where each sequence begins {@code [sequences + 1]}; the first is 0, the last {@code tokens}
 * @param supervisedRows rows whose logits are needed {@code [supervised]}, ascending; row {@code t} predicts token {@code t + 1}
 * @param labels         the token that each supervised row is to predict {@code [supervised]}
 * @param weights        factor on each supervised token's loss {@code [supervised]}; holds the normaliser, such as
 *                       1 over the supervised tokens of the whole optimiser step
 * @param extras         what some objectives want beside
 */
public record PackedBatch(int[] ids, int[] positions, int[] offsets, int[] supervisedRows, int[] labels,
                          float[] weights, BatchExtras extras) {
    /** A batch with nothing beside its tokens. */
    public PackedBatch(int[] ids, int[] positions, int[] offsets, int[] supervisedRows, int[] labels, float[] weights) {
        this(ids, positions, offsets, supervisedRows, labels, weights, BatchExtras.NONE);
    }

    /** Refuses arrays whose lengths or ranges do not fit together. */
    public PackedBatch {
        if (ids.length == 0 || positions.length != ids.length) {
            throw new IllegalArgumentException(ids.length + " ids and " + positions.length + " positions");
        }
        if (offsets.length < 2 || offsets[0] != 0 || offsets[offsets.length - 1] != ids.length) {
            throw new IllegalArgumentException("offsets must run from 0 to " + ids.length);
        }
        for (int s = 1; s < offsets.length; s++) {
            if (offsets[s] <= offsets[s - 1]) {
                throw new IllegalArgumentException("sequence " + (s - 1) + " is empty");
            }
        }
        if (labels.length != supervisedRows.length || weights.length != supervisedRows.length) {
            throw new IllegalArgumentException(supervisedRows.length + " supervised rows, " + labels.length
                    + " labels and " + weights.length + " weights");
        }
        for (int r = 0; r < supervisedRows.length; r++) {
            if (supervisedRows[r] < (r == 0 ? 0 : supervisedRows[r - 1] + 1) || supervisedRows[r] >= ids.length) {
                throw new IllegalArgumentException("supervised rows must ascend within 0.." + (ids.length - 1)
                        + ", row " + r + " is " + supervisedRows[r]);
            }
        }
        extras.requireFits(ids.length, offsets.length - 1, labels.length);
    }

    /** A batch of this size with arbitrary content, whose sequences are of equal length. */
    static PackedBatch sized(int tokens, int supervised, int sequences) {
        int[] offsets = IntStream.rangeClosed(0, sequences).map(s -> (int) ((long) tokens * s / sequences)).toArray();
        return new PackedBatch(new int[tokens], new int[tokens], offsets, IntStream.range(0, supervised).toArray(),
                new int[supervised], new float[supervised]);
    }

    /** The same tokens with something else beside. */
    public PackedBatch with(BatchExtras others) {
        return new PackedBatch(ids, positions, offsets, supervisedRows, labels, weights, others);
    }

    /** The place in its own sequence of each label {@code [supervised]}, which is one behind that of its row. */
    public int[] positionsOfLabels() {
        return Arrays.stream(supervisedRows).map(row -> positions[row] + 1).toArray();
    }

    /** The sequence to which each supervised row belongs {@code [supervised]}. */
    public int[] sequencesOfRows() {
        int[] sequences = new int[supervisedRows.length];
        int sequence = 0;
        for (int r = 0; r < sequences.length; r++) {
            while (supervisedRows[r] >= offsets[sequence + 1]) {
                sequence++;
            }
            sequences[r] = sequence;
        }
        return sequences;
    }

    /** Tokens of all sequences. */
    public int tokens() {
        return ids.length;
    }

    /** Number of sequences. */
    public int sequences() {
        return offsets.length - 1;
    }

    /** Number of supervised tokens. */
    public int supervised() {
        return labels.length;
    }
}
