package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** RMSNorm, layer normalisation and their gradients, some rows at a time. */
final class Normalization {
    /** Elements per chunk; a chunk holds whole rows. */
    private static final int CHUNK = 1 << 15;
    private static final int WEIGHT = 0;
    private static final int X = 1;
    private static final int UPSTREAM = 2;
    private static final int ADDEND = 3;
    private static final int TERMS = 4;
    private static final int SQUARES = 5;
    private static final int PRODUCTS = 6;
    private static final int SUMS = 7;
    private static final int CENTRED = 8;
    private static final int BIAS = 9;
    private final Workers workers;

    Normalization(Workers workers) {
        this.workers = workers;
    }

    /**
     * What is computed.
     *
     * @param kernel        the kernel's name
     * @param centred       whether the mean is subtracted, as layer normalisation does
     * @param weightLessOne whether {@code 1 + weight} stands in the place of {@code weight}
     */
    record Form(String kernel, boolean centred, boolean weightLessOne, double epsilon) {
    }

    void run(Form form, INDArray x, INDArray weight, @Nullable INDArray bias, INDArray out) {
        String kernel = form.kernel();
        boolean bfloat16 = check(kernel, x, weight);
        Operands.sameType(kernel, x, out);
        Operands.sameShape(kernel, x, out);
        boolean bias16 = bias != null && checkVector(kernel, x, bias);
        if (x.length() == 0) {
            return;
        }
        int rows = Math.toIntExact(x.size(0));
        int hidden = Math.toIntExact(x.size(1));
        long rowBytes = (long) hidden * Lanes.width(bfloat16);
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        boolean weight16 = Operands.isBfloat16(kernel, weight);
        long scale = Operands.address(kernel, weight);
        long shift = bias == null ? 0 : Operands.address(kernel, bias);
        int perChunk = perBlock(hidden);
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            long weights = weights(worker, form, weight16, scale, hidden);
            long shifts = shift == 0 ? 0 : Conversion.floats(worker, BIAS, bias16, shift, hidden);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            boolean widened = Conversion.isWidened(worker, bfloat16);
            // The number of rows differs from batch to batch: powers of two share their primitives.
            int count;
            for (int first = chunk * perChunk; first < end; first += count) {
                count = Integer.highestOneBit(end - first);
                long values = Conversion.floats(worker, X, widened, from + first * rowBytes, count * hidden);
                long result = widened ? values : to + first * rowBytes;
                new RowNormalization(count, hidden, form.centred(), shifts != 0, (float) form.epsilon(), bfloat16 && !widened)
                        .run(worker, values, weights, shifts, result);
                Conversion.narrow(worker, widened, count * hidden, result, to + first * rowBytes);
            }
        });
    }

    void gradient(Form form, INDArray x, INDArray weight, INDArray outGradient, @Nullable INDArray addend,
                  @Nullable INDArray inputGradient, @Nullable INDArray weightGradient, @Nullable INDArray biasGradient) {
        String kernel = form.kernel();
        boolean bfloat16 = check(kernel, x, weight);
        for (INDArray array : new INDArray[] {outGradient, addend, inputGradient}) {
            if (array != null) {
                Operands.sameType(kernel, x, array);
                Operands.sameShape(kernel, x, array);
            }
        }
        for (INDArray array : new INDArray[] {weightGradient, biasGradient}) {
            if (array != null) {
                Operands.isFloat(kernel, array);
                Operands.shape(kernel, array, x, x.size(1));
            }
        }
        if (x.length() == 0 || inputGradient == null && weightGradient == null && biasGradient == null) {
            return;
        }
        int rows = Math.toIntExact(x.size(0));
        int hidden = Math.toIntExact(x.size(1));
        long rowBytes = (long) hidden * Lanes.width(bfloat16);
        long from = Operands.address(kernel, x);
        long upstream = Operands.address(kernel, outGradient);
        long to = inputGradient == null ? 0 : Operands.address(kernel, inputGradient);
        long added = addend == null ? 0 : Operands.address(kernel, addend);
        boolean weight16 = Operands.isBfloat16(kernel, weight);
        long scale = Operands.address(kernel, weight);
        int perBlock = perBlock(hidden);
        int perChunk = ColumnTotals.rowsPerChunk(rows, perBlock);
        int chunks = (rows + perChunk - 1) / perChunk;
        ColumnTotals weightTotals = new ColumnTotals(weightGradient != null, chunks, hidden);
        ColumnTotals biasTotals = new ColumnTotals(biasGradient != null, chunks, hidden);
        workers.run(chunks, (worker, chunk) -> {
            long weightFloats = weights(worker, form, weight16, scale, hidden);
            float[] weights = worker.floats(3, hidden);
            Memory.read(weightFloats, weights, 0, hidden);
            float[] row = worker.floats(0, hidden);
            float[] outs = worker.floats(1, hidden);
            float[] adds = worker.floats(2, hidden);
            float[] weightSums = weightTotals.of(chunk);
            float[] biasSums = biasTotals.of(chunk);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            int count;
            for (int first = chunk * perChunk; first < end; first += count) {
                count = Integer.highestOneBit(Math.min(perBlock, end - first));
                long block = first * rowBytes;
                long xs = Conversion.floats(worker, X, bfloat16, from + block, count * hidden);
                long upstreams = Conversion.floats(worker, UPSTREAM, bfloat16, upstream + block, count * hidden);
                long addends = added == 0 ? 0 : Conversion.floats(worker, ADDEND, bfloat16, added + block, count * hidden);
                long results = bfloat16 ? xs : to + block;
                long centred = form.centred() ? centred(worker, count, hidden, xs, row) : xs;
                long squares = rowSums(worker, count, hidden, centred, centred, 0, SQUARES);
                long products = to == 0 ? 0 : rowSums(worker, count, hidden, centred, upstreams, weightFloats, PRODUCTS);
                long sums = to == 0 || !form.centred() ? 0 : weightedSums(worker, count, hidden, upstreams, weightFloats);
                for (int r = 0; r < count; r++) {
                    long offset = 4L * r * hidden;
                    Memory.read(centred + offset, row, 0, hidden);
                    Memory.read(upstreams + offset, outs, 0, hidden);
                    float factor = inverseRoot(Memory.getFloat(squares + 4L * r), hidden, form.epsilon());
                    if (weightSums != null) {
                        addProducts(outs, row, factor, weightSums, hidden);
                    }
                    if (biasSums != null) {
                        add(outs, biasSums, hidden);
                    }
                    if (to == 0) {
                        continue;
                    }
                    float along = Memory.getFloat(products + 4L * r) / hidden * factor * factor * factor;
                    float mean = sums == 0 ? 0 : Memory.getFloat(sums + 4L * r) / hidden * factor;
                    if (addends == 0) {
                        combine(outs, weights, factor, row, along, mean, hidden);
                    } else {
                        Memory.read(addends + offset, adds, 0, hidden);
                        combine(outs, weights, factor, row, along, mean, adds, hidden);
                    }
                    Memory.write(outs, 0, results + offset, hidden);
                }
                if (to != 0 && bfloat16) {
                    new Conversion(count * hidden, true).run(worker, results, to + block);
                }
            }
        });
        if (weightGradient != null) {
            weightTotals.addTo(Operands.address(kernel, weightGradient));
        }
        if (biasGradient != null) {
            biasTotals.addTo(Operands.address(kernel, biasGradient));
        }
    }

    private static int perBlock(int hidden) {
        return Integer.highestOneBit(Math.max(1, CHUNK / hidden));
    }

    /** The address of what rows are multiplied by, as FLOAT. */
    private static long weights(Worker worker, Form form, boolean weight16, long weight, int hidden) {
        long floats = Conversion.floats(worker, WEIGHT, weight16, weight, hidden);
        if (!form.weightLessOne()) {
            return floats;
        }
        float[] values = worker.floats(3, hidden);
        Memory.read(floats, values, 0, hidden);
        for (int i = 0; i < hidden; i++) {
            values[i] += 1;
        }
        long sums = worker.buffer(WEIGHT, 4L * hidden);
        Memory.write(values, 0, sums, hidden);
        return sums;
    }

    /** The address of the rows less their means. */
    private static long centred(Worker worker, int rows, int hidden, long x, float[] row) {
        long sums = worker.buffer(SUMS, 4L * rows);
        RowTotals.run(worker, rows, hidden, x, sums);
        long centred = worker.buffer(CENTRED, 4L * rows * hidden);
        for (int r = 0; r < rows; r++) {
            Memory.read(x + 4L * r * hidden, row, 0, hidden);
            subtract(row, Memory.getFloat(sums + 4L * r) / hidden, hidden);
            Memory.write(row, 0, centred + 4L * r * hidden, hidden);
        }
        return centred;
    }

    /** The address of the sums over each row of {@code a b}, times {@code weight} where there is one. */
    private static long rowSums(Worker worker, int rows, int hidden, long a, long b, long weight, int slot) {
        long sums = worker.buffer(slot, 4L * rows);
        long products = worker.buffer(TERMS, 4L * rows * hidden);
        new BinaryPass(BinaryPass.Kind.PRODUCT, rows * hidden, false).run(worker, a, b, products);
        if (weight == 0) {
            RowTotals.run(worker, rows, hidden, products, sums);
        } else {
            RowTotals.run(worker, rows, hidden, products, weight, sums);
        }
        return sums;
    }

    /** The address of the sums over each row of {@code a weight}. */
    private static long weightedSums(Worker worker, int rows, int hidden, long a, long weight) {
        long sums = worker.buffer(SUMS, 4L * rows);
        RowTotals.run(worker, rows, hidden, a, weight, sums);
        return sums;
    }

    private static void subtract(float[] row, float mean, int hidden) {
        for (int i = 0; i < hidden; i++) {
            row[i] -= mean;
        }
    }

    private static void addProducts(float[] outs, float[] row, float factor, float[] sums, int hidden) {
        for (int i = 0; i < hidden; i++) {
            sums[i] += outs[i] * row[i] * factor;
        }
    }

    private static void add(float[] outs, float[] sums, int hidden) {
        for (int i = 0; i < hidden; i++) {
            sums[i] += outs[i];
        }
    }

    private static void combine(float[] outs, float[] weights, float factor, float[] row, float along, float mean,
                                int hidden) {
        for (int i = 0; i < hidden; i++) {
            outs[i] = outs[i] * weights[i] * factor - row[i] * along - mean;
        }
    }

    private static void combine(float[] outs, float[] weights, float factor, float[] row, float along, float mean,
                                float[] adds, int hidden) {
        for (int i = 0; i < hidden; i++) {
            outs[i] = outs[i] * weights[i] * factor - row[i] * along - mean + adds[i];
        }
    }

    private static float inverseRoot(float squares, int hidden, double epsilon) {
        return (float) (1 / Math.sqrt((double) squares / hidden + epsilon));
    }

    private static boolean check(String kernel, INDArray x, INDArray weight) {
        Operands.matrix(kernel, x);
        checkVector(kernel, x, weight);
        return Operands.isBfloat16(kernel, x);
    }

    private static boolean checkVector(String kernel, INDArray x, INDArray vector) {
        Operands.shape(kernel, vector, x, x.size(1));
        return Operands.isBfloat16(kernel, vector);
    }
}
