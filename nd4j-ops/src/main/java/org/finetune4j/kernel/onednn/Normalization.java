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
        float[] weights = weights(kernel, weight, bfloat16, hidden);
        int perChunk = Math.max(1, CHUNK / hidden);
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            float[] row = worker.floats(0, hidden);
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                Lanes.load(worker, bfloat16, from + r * rowBytes, hidden, row);
                float factor = inverseRoot(VectorMath.dot(row, row, hidden), hidden, epsilon);
                for (int i = 0; i < hidden; i++) {
                    row[i] = row[i] * factor * weights[i];
                }
                Lanes.store(worker, bfloat16, row, hidden, to + r * rowBytes);
            }
        });
    }

    void gradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient, @Nullable INDArray inputGradient,
                  @Nullable INDArray weightGradient) {
        String kernel = "rmsNormGradient";
        boolean bfloat16 = check(kernel, x, weight);
        Operands.sameType(kernel, x, outGradient);
        Operands.sameShape(kernel, x, outGradient);
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
        float[] weights = weights(kernel, weight, bfloat16, hidden);
        int perChunk = Math.max(1, CHUNK / hidden);
        float[][] partial = new float[(rows + perChunk - 1) / perChunk][];
        workers.run(partial.length, (worker, chunk) -> {
            float[] row = worker.floats(0, hidden);
            float[] outs = worker.floats(1, hidden);
            float[] sums = new float[hidden];
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                Lanes.load(worker, bfloat16, from + r * rowBytes, hidden, row);
                Lanes.load(worker, bfloat16, upstream + r * rowBytes, hidden, outs);
                float factor = inverseRoot(VectorMath.dot(row, row, hidden), hidden, epsilon);
                if (weightGradient != null) {
                    for (int i = 0; i < hidden; i++) {
                        sums[i] += outs[i] * row[i] * factor;
                    }
                }
                if (inputGradient != null) {
                    for (int i = 0; i < hidden; i++) {
                        outs[i] *= weights[i];
                    }
                    float along = VectorMath.dot(outs, row, hidden) / hidden * factor * factor * factor;
                    for (int i = 0; i < hidden; i++) {
                        outs[i] = outs[i] * factor - row[i] * along;
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
