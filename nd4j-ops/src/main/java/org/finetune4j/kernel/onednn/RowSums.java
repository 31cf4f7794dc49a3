package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels that add rows: a bias to every row and its gradient, and the means of sequences with theirs. */
final class RowSums {
    /** Elements per chunk; a chunk holds whole rows. */
    private static final int CHUNK = 1 << 15;
    private final Workers workers;

    RowSums(Workers workers) {
        this.workers = workers;
    }

    /** {@code out[t] = x[t] + row}. */
    void addRow(INDArray x, INDArray row, INDArray out) {
        String kernel = "addRow";
        Operands.matrix(kernel, x);
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.alike(kernel, x, out, out);
        Operands.sameType(kernel, x, row);
        Operands.shape(kernel, row, x, x.size(1));
        if (x.length() == 0) {
            return;
        }
        int width = Math.toIntExact(x.size(1));
        int rows = Math.toIntExact(x.size(0));
        long rowBytes = (long) width * Lanes.width(bfloat16);
        long from = Operands.address(kernel, x);
        long added = Operands.address(kernel, row);
        long to = Operands.address(kernel, out);
        int perChunk = Math.max(1, CHUNK / width);
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            float[] adds = worker.floats(0, width);
            float[] values = worker.floats(1, width);
            Lanes.load(worker, bfloat16, added, width, adds);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                Lanes.load(worker, bfloat16, from + r * rowBytes, width, values);
                add(adds, values, width);
                Lanes.store(worker, bfloat16, values, width, to + r * rowBytes);
            }
        });
    }

    /** {@code sums += sum over t of x[t]}. */
    void columnSums(INDArray x, INDArray sums) {
        String kernel = "columnSums";
        Operands.matrix(kernel, x);
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.isFloat(kernel, sums);
        Operands.shape(kernel, sums, x, x.size(1));
        if (x.length() == 0) {
            return;
        }
        int width = Math.toIntExact(x.size(1));
        int rows = Math.toIntExact(x.size(0));
        long rowBytes = (long) width * Lanes.width(bfloat16);
        long from = Operands.address(kernel, x);
        int perChunk = ColumnTotals.rowsPerChunk(rows, Math.max(1, CHUNK / width));
        int chunks = (rows + perChunk - 1) / perChunk;
        ColumnTotals totals = new ColumnTotals(true, chunks, width);
        workers.run(chunks, (worker, chunk) -> {
            float[] values = worker.floats(0, width);
            float[] sum = totals.of(chunk);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                Lanes.load(worker, bfloat16, from + r * rowBytes, width, values);
                add(values, sum, width);
            }
        });
        totals.addTo(Operands.address(kernel, sums), bfloat16);
    }

    /** {@code out[s] = mean of x[t] over the sequence}. */
    void means(INDArray x, INDArray offsets, INDArray out) {
        String kernel = "meanRows";
        Operands.matrix(kernel, x);
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.sameType(kernel, x, out);
        int[] bounds = sequences(kernel, offsets, x.size(0));
        Operands.shape(kernel, out, x, bounds.length - 1, x.size(1));
        if (x.length() == 0) {
            return;
        }
        int width = Math.toIntExact(x.size(1));
        long rowBytes = (long) width * Lanes.width(bfloat16);
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        workers.run(bounds.length - 1, (worker, s) -> {
            float[] sum = worker.floats(0, width);
            float[] values = worker.floats(1, width);
            Arrays.fill(sum, 0, width, 0);
            for (int t = bounds[s]; t < bounds[s + 1]; t++) {
                Lanes.load(worker, bfloat16, from + t * rowBytes, width, values);
                add(values, sum, width);
            }
            divide(sum, bounds[s + 1] - bounds[s], width);
            Lanes.store(worker, bfloat16, sum, width, to + s * rowBytes);
        });
    }

    /** {@code inputGradient[t] = outGradient[s] / length of the sequence}. */
    void meansGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient) {
        String kernel = "meanRowsGradient";
        Operands.matrix(kernel, inputGradient);
        boolean bfloat16 = Operands.isBfloat16(kernel, inputGradient);
        Operands.sameType(kernel, outGradient, inputGradient);
        int[] bounds = sequences(kernel, offsets, inputGradient.size(0));
        Operands.shape(kernel, outGradient, inputGradient, bounds.length - 1, inputGradient.size(1));
        if (inputGradient.length() == 0) {
            return;
        }
        int width = Math.toIntExact(inputGradient.size(1));
        long rowBytes = (long) width * Lanes.width(bfloat16);
        long from = Operands.address(kernel, outGradient);
        long to = Operands.address(kernel, inputGradient);
        workers.run(bounds.length - 1, (worker, s) -> {
            float[] share = worker.floats(0, width);
            Lanes.load(worker, bfloat16, from + s * rowBytes, width, share);
            divide(share, bounds[s + 1] - bounds[s], width);
            long first = to + bounds[s] * rowBytes;
            Lanes.store(worker, bfloat16, share, width, first);
            for (int t = bounds[s] + 1; t < bounds[s + 1]; t++) {
                Memory.copy(first, to + t * rowBytes, rowBytes);
            }
        });
    }

    private static int[] sequences(String kernel, INDArray offsets, long tokens) {
        int[] bounds = Operands.offsets(kernel, offsets, tokens);
        for (int s = 0; s + 1 < bounds.length; s++) {
            if (bounds[s] == bounds[s + 1]) {
                throw new IllegalArgumentException(kernel + ": sequence " + s + " of offsets " + Arrays.toString(bounds)
                        + " is empty and has no mean; leave it out of the batch");
            }
        }
        return bounds;
    }

    private static void add(float[] values, float[] sums, int count) {
        for (int i = 0; i < count; i++) {
            sums[i] += values[i];
        }
    }

    private static void divide(float[] values, int by, int count) {
        float inverse = 1f / by;
        for (int i = 0; i < count; i++) {
            values[i] *= inverse;
        }
    }
}
