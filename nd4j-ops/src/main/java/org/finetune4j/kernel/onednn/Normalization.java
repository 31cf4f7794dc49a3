package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** RMSNorm and its gradient, some rows at a time. */
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
    private final Workers workers;

    Normalization(Workers workers) {
        this.workers = workers;
    }

    void run(INDArray x, INDArray weight, double epsilon, INDArray out) {
        String kernel = "rmsNorm";
        boolean bfloat16 = check(kernel, x, weight);
        Operands.sameType(kernel, x, out);
        Operands.sameShape(kernel, x, out);
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
        int perChunk = Integer.highestOneBit(Math.max(1, CHUNK / hidden));
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            long weights = Conversion.floats(worker, WEIGHT, weight16, scale, hidden);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            // The number of rows differs from batch to batch: powers of two share their primitives.
            int count;
            for (int first = chunk * perChunk; first < end; first += count) {
                count = Integer.highestOneBit(end - first);
                long values = Conversion.floats(worker, X, bfloat16, from + first * rowBytes, count * hidden);
                long result = bfloat16 ? values : to + first * rowBytes;
                new RmsNormalization(count, hidden, (float) epsilon).run(worker, values, weights, result);
                if (bfloat16) {
                    new Conversion(count * hidden, true).run(worker, result, to + first * rowBytes);
                }
            }
        });
    }

    void gradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient, @Nullable INDArray addend,
                  @Nullable INDArray inputGradient, @Nullable INDArray weightGradient) {
        String kernel = "rmsNormGradient";
        boolean bfloat16 = check(kernel, x, weight);
        Operands.sameType(kernel, x, outGradient);
        Operands.sameShape(kernel, x, outGradient);
        if (addend != null) {
            Operands.sameType(kernel, x, addend);
            Operands.sameShape(kernel, x, addend);
        }
        if (inputGradient != null) {
            Operands.sameType(kernel, x, inputGradient);
            Operands.sameShape(kernel, x, inputGradient);
        }
        if (weightGradient != null) {
            Operands.isFloat(kernel, weightGradient);
            Operands.shape(kernel, weightGradient, x, x.size(1));
        }
        if (x.length() == 0 || inputGradient == null && weightGradient == null) {
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
        int perChunk = Integer.highestOneBit(Math.max(1, CHUNK / hidden));
        float[][] partial = new float[(rows + perChunk - 1) / perChunk][];
        workers.run(partial.length, (worker, chunk) -> {
            long weightFloats = Conversion.floats(worker, WEIGHT, weight16, scale, hidden);
            float[] weights = worker.floats(3, hidden);
            Memory.read(weightFloats, weights, 0, hidden);
            float[] row = worker.floats(0, hidden);
            float[] outs = worker.floats(1, hidden);
            float[] adds = worker.floats(2, hidden);
            float[] sums = weightGradient == null ? null : new float[hidden];
            int end = Math.min(rows, (chunk + 1) * perChunk);
            int count;
            for (int first = chunk * perChunk; first < end; first += count) {
                count = Integer.highestOneBit(end - first);
                long block = first * rowBytes;
                long xs = Conversion.floats(worker, X, bfloat16, from + block, count * hidden);
                long upstreams = Conversion.floats(worker, UPSTREAM, bfloat16, upstream + block, count * hidden);
                long addends = added == 0 ? 0 : Conversion.floats(worker, ADDEND, bfloat16, added + block, count * hidden);
                long results = bfloat16 ? xs : to + block;
                long squares = rowSums(worker, count, hidden, xs, xs, 0, SQUARES);
                long products = to == 0 ? 0 : rowSums(worker, count, hidden, xs, upstreams, weightFloats, PRODUCTS);
                for (int r = 0; r < count; r++) {
                    long offset = 4L * r * hidden;
                    Memory.read(xs + offset, row, 0, hidden);
                    Memory.read(upstreams + offset, outs, 0, hidden);
                    float factor = inverseRoot(Memory.getFloat(squares + 4L * r), hidden, epsilon);
                    if (sums != null) {
                        addProducts(outs, row, factor, sums, hidden);
                    }
                    if (to == 0) {
                        continue;
                    }
                    float along = Memory.getFloat(products + 4L * r) / hidden * factor * factor * factor;
                    if (addends == 0) {
                        combine(outs, weights, factor, row, along, hidden);
                    } else {
                        Memory.read(addends + offset, adds, 0, hidden);
                        combine(outs, weights, factor, row, along, adds, hidden);
                    }
                    Memory.write(outs, 0, results + offset, hidden);
                }
                if (to != 0 && bfloat16) {
                    new Conversion(count * hidden, true).run(worker, results, to + block);
                }
            }
            partial[chunk] = sums;
        });
        if (weightGradient != null) {
            addInChunkOrder(partial, hidden, Operands.address(kernel, weightGradient));
        }
    }

    /** The address of the sums over each row of {@code a b}, times {@code weight} where there is one. */
    private static long rowSums(Worker worker, int rows, int hidden, long a, long b, long weight, int slot) {
        long sums = worker.buffer(slot, 4L * rows);
        long products = hidden == 1 ? sums : worker.buffer(TERMS, 4L * rows * hidden);
        if (weight == 0) {
            new BinaryPass(BinaryPass.Kind.PRODUCT, rows * hidden, false).run(worker, a, b, products);
        } else {
            new RowProduct(rows, hidden).run(worker, a, b, weight, products);
        }
        if (hidden > 1) {
            new Reduction(rows, hidden, false).run(worker, products, sums);
        }
        return sums;
    }

    private static void addProducts(float[] outs, float[] row, float factor, float[] sums, int hidden) {
        for (int i = 0; i < hidden; i++) {
            sums[i] += outs[i] * row[i] * factor;
        }
    }

    private static void combine(float[] outs, float[] weights, float factor, float[] row, float along, int hidden) {
        for (int i = 0; i < hidden; i++) {
            outs[i] = outs[i] * weights[i] * factor - row[i] * along;
        }
    }

    private static void combine(float[] outs, float[] weights, float factor, float[] row, float along, float[] adds,
                                int hidden) {
        for (int i = 0; i < hidden; i++) {
            outs[i] = outs[i] * weights[i] * factor - row[i] * along + adds[i];
        }
    }

    private static void addInChunkOrder(float[][] partial, int hidden, long target) {
        float[] total = new float[hidden];
        for (float[] sums : partial) {
            for (int i = 0; i < hidden; i++) {
                total[i] += sums[i];
            }
        }
        float[] gradient = new float[hidden];
        Memory.read(target, gradient, 0, hidden);
        for (int i = 0; i < hidden; i++) {
            gradient[i] += total[i];
        }
        Memory.write(gradient, 0, target, hidden);
    }

    private static float inverseRoot(float squares, int hidden, double epsilon) {
        return (float) (1 / Math.sqrt((double) squares / hidden + epsilon));
    }

    private static boolean check(String kernel, INDArray x, INDArray weight) {
        Operands.matrix(kernel, x);
        Operands.isBfloat16(kernel, weight);
        Operands.shape(kernel, weight, x, x.size(1));
        return Operands.isBfloat16(kernel, x);
    }
}
