package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** RMSNorm and its gradient, a row at a time. */
final class Normalization {
    /** Elements per chunk; a chunk holds whole rows. */
    private static final int CHUNK = 1 << 15;
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
            long weights = floats(worker, 0, weight16, scale, hidden);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            // The number of rows differs from batch to batch: powers of two share their primitives.
            int count;
            for (int first = chunk * perChunk; first < end; first += count) {
                count = Integer.highestOneBit(end - first);
                long values = floats(worker, 1, bfloat16, from + first * rowBytes, count * hidden);
                long result = bfloat16 ? values : to + first * rowBytes;
                new RmsNormalization(count, hidden, (float) epsilon).run(worker, values, weights, result);
                if (bfloat16) {
                    new Conversion(count * hidden, true).run(worker, result, to + first * rowBytes);
                }
            }
        });
    }

    /** The address of elements as FLOAT: their own, or that of a copy in a worker's buffer. */
    private static long floats(Worker worker, int slot, boolean bfloat16, long address, int count) {
        if (!bfloat16) {
            return address;
        }
        long copy = worker.buffer(slot, 4L * count);
        new Conversion(count, false).run(worker, address, copy);
        return copy;
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
        float[] weights = weights(kernel, weight, bfloat16, hidden);
        int perChunk = Math.max(1, CHUNK / hidden);
        float[][] partial = new float[(rows + perChunk - 1) / perChunk][];
        workers.run(partial.length, (worker, chunk) -> {
            float[] row = worker.floats(0, hidden);
            float[] outs = worker.floats(1, hidden);
            float[] adds = worker.floats(2, hidden);
            float[] sums = new float[hidden];
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                Lanes.load(worker, bfloat16, from + r * rowBytes, hidden, row);
                Lanes.load(worker, bfloat16, upstream + r * rowBytes, hidden, outs);
                float factor = inverseRoot(VectorMath.foldedDot(worker, row, row, hidden), hidden, epsilon);
                if (weightGradient != null) {
                    for (int i = 0; i < hidden; i++) {
                        sums[i] += outs[i] * row[i] * factor;
                    }
                }
                if (inputGradient != null) {
                    float along = VectorMath.foldedDot(worker, outs, row, weights, hidden) / hidden
                            * factor * factor * factor;
                    if (added == 0) {
                        combine(outs, weights, factor, row, along, hidden);
                    } else {
                        Lanes.load(worker, bfloat16, added + r * rowBytes, hidden, adds);
                        combine(outs, weights, factor, row, along, adds, hidden);
                    }
                    Lanes.store(worker, bfloat16, outs, hidden, to + r * rowBytes);
                }
            }
            partial[chunk] = sums;
        });
        if (weightGradient != null) {
            addInChunkOrder(partial, bfloat16, hidden, Operands.address(kernel, weightGradient));
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

    private static void addInChunkOrder(float[][] partial, boolean bfloat16, int hidden, long target) {
        float[] total = new float[hidden];
        for (float[] sums : partial) {
            for (int i = 0; i < hidden; i++) {
                total[i] += sums[i];
            }
        }
        float[] gradient = new float[hidden];
        Memory.read(target, gradient, 0, hidden);
        for (int i = 0; i < hidden; i++) {
            gradient[i] += total[Lanes.lane(bfloat16, i, hidden)];
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

    /** The weights in the order of the lanes of {@code x}. */
    private static float[] weights(String kernel, INDArray weight, boolean bfloat16, int hidden) {
        float[] lanes = new float[hidden];
        long address = Operands.address(kernel, weight);
        boolean weight16 = Operands.isBfloat16(kernel, weight);
        for (int i = 0; i < hidden; i++) {
            lanes[Lanes.lane(bfloat16, i, hidden)] = weight16
                    ? Float.intBitsToFloat(Memory.getShort(address + 2L * i) << 16)
                    : Memory.getFloat(address + 4L * i);
        }
        return lanes;
    }
}
