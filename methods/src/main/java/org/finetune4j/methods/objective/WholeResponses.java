package org.finetune4j.methods.objective;

import org.finetune4j.model.PackedBatch;

/**
 * A batch with the last token of each sequence, which is only predicted otherwise, so that every learned token has a
 * place.
 *
 * @param batch the whole sequences, of which nothing is to be predicted
 * @param rows  where the learned tokens stand {@code [supervised]}, ascending
 */
record WholeResponses(PackedBatch batch, int[] rows) {
    /** The whole sequences of a batch whose last row of each sequence is supervised. */
    static WholeResponses of(PackedBatch batch) {
        int sequences = batch.sequences();
        int[] last = new int[sequences];
        int[] sequencesOfRows = batch.sequencesOfRows();
        int[] rows = new int[batch.supervised()];
        for (int r = 0; r < rows.length; r++) {
            last[sequencesOfRows[r]] = batch.labels()[r];
            // Each sequence before this one is longer by a token.
            rows[r] = batch.supervisedRows()[r] + sequencesOfRows[r] + 1;
        }
        int[] offsets = new int[sequences + 1];
        int[] ids = new int[batch.tokens() + sequences];
        int[] positions = new int[ids.length];
        for (int s = 0; s < sequences; s++) {
            int from = batch.offsets()[s];
            int length = batch.offsets()[s + 1] - from;
            offsets[s + 1] = offsets[s] + length + 1;
            System.arraycopy(batch.ids(), from, ids, offsets[s], length);
            ids[offsets[s] + length] = last[s];
            for (int i = 0; i <= length; i++) {
                positions[offsets[s] + i] = i;
            }
        }
        return new WholeResponses(new PackedBatch(ids, positions, offsets, new int[0], new int[0], new float[0]), rows);
    }
}
