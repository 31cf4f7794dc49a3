package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels that move whole rows: embedding and row selection, with their gradients. */
final class Rows {
    /** Columns of an embedding's gradient that one chunk adds for all tokens. */
    private static final int COLUMNS = 128;
    private static final long CHUNK_BYTES = 1 << 18;
    private final Workers workers;

    Rows(Workers workers) {
        this.workers = workers;
    }

    /** {@code out[r] = source[rows[r]]}. */
    void gather(String kernel, INDArray source, INDArray rows, INDArray out) {
        Operands.matrix(kernel, source);
        Operands.isBfloat16(kernel, source);
        Operands.sameType(kernel, source, out);
        Operands.shape(kernel, out, source, rows.length(), source.size(1));
        int[] indices = Operands.indices(kernel, rows, source.size(0));
        if (out.isEmpty() || out.length() == 0) {
            return;
        }
        long bytes = source.size(1) * source.dataType().width();
        long from = Operands.address(kernel, source);
        long to = Operands.address(kernel, out);
        forRows(indices.length, bytes, r -> Memory.copy(from + indices[r] * bytes, to + r * bytes, bytes));
    }

    /** {@code target = 0}, then {@code target[rows[r]] = source[r]}. */
    void scatter(String kernel, INDArray rows, INDArray source, INDArray target) {
        Operands.matrix(kernel, target);
        Operands.isBfloat16(kernel, target);
        Operands.sameType(kernel, source, target);
        Operands.shape(kernel, source, target, rows.length(), target.size(1));
        int[] indices = Operands.indices(kernel, rows, target.size(0));
        if (target.isEmpty() || target.length() == 0) {
            return;
        }
        int count = Math.toIntExact(target.size(0));
        int[] sourceOf = new int[count];
        Arrays.fill(sourceOf, -1);
        for (int r = 0; r < indices.length; r++) {
            sourceOf[indices[r]] = r;
        }
        long bytes = target.size(1) * target.dataType().width();
        long from = indices.length == 0 ? 0 : Operands.address(kernel, source);
        long to = Operands.address(kernel, target);
        forRows(count, bytes, r -> {
            if (sourceOf[r] < 0) {
                Memory.zero(to + r * bytes, bytes);
            } else {
                Memory.copy(from + sourceOf[r] * bytes, to + r * bytes, bytes);
            }
        });
    }

    /** {@code target[rows[r]] += source[r]} for each r in turn. */
    void add(String kernel, INDArray rows, INDArray source, INDArray target) {
        Operands.matrix(kernel, target);
        Operands.isFloat(kernel, target);
        boolean bfloat16 = Operands.isBfloat16(kernel, source);
        Operands.shape(kernel, source, target, rows.length(), target.size(1));
        int[] indices = Operands.indices(kernel, rows, target.size(0));
        if (indices.length == 0 || target.size(1) == 0) {
            return;
        }
        int hidden = Math.toIntExact(target.size(1));
        int width = Lanes.width(bfloat16);
        long from = Operands.address(kernel, source);
        long to = Operands.address(kernel, target);
        // A chunk adds its columns of every token, so that each sum is taken in token order by one thread.
        workers.run((hidden + COLUMNS - 1) / COLUMNS, (worker, chunk) -> {
            int first = chunk * COLUMNS;
            int count = Math.min(COLUMNS, hidden - first);
            float[] sum = worker.floats(0, COLUMNS);
            float[] added = worker.floats(1, COLUMNS);
            for (int r = 0; r < indices.length; r++) {
                long place = to + 4 * ((long) indices[r] * hidden + first);
                Memory.read(place, sum, 0, count);
                Lanes.loadInOrder(worker, bfloat16, from + width * ((long) r * hidden + first), count, added);
                for (int i = 0; i < count; i++) {
                    sum[i] += added[i];
                }
                Memory.write(sum, 0, place, count);
            }
        });
    }

    private void forRows(int rows, long bytes, RowTask task) {
        int perChunk = (int) Math.max(1, CHUNK_BYTES / bytes);
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                task.run(r);
            }
        });
    }

    private interface RowTask {
        void run(int row);
    }
}
