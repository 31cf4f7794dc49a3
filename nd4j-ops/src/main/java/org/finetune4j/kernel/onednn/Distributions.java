package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels over rows of logits: log-probabilities, log-sum-exp and divergence, with their gradients. */
final class Distributions {
    /** Logits per tile; a row is passed over several times and stays in the second cache meanwhile. */
    private static final int TILE = 2048;
    private static final int CHUNK = 1 << 15;
    private final Workers workers;

    Distributions(Workers workers) {
        this.workers = workers;
    }

    /** Computes one row. */
    private interface RowTask {
        void run(Worker worker, int row);
    }

    void logProbability(INDArray logits, INDArray labels, INDArray out) {
        String kernel = "logProbability";
        check(kernel, logits, labels, out);
        int[] ids = Operands.indices(kernel, labels, logits.size(1));
        if (ids.length == 0) {
            return;
        }
        int vocabulary = Math.toIntExact(logits.size(1));
        long from = Operands.address(kernel, logits);
        long to = Operands.address(kernel, out);
        forRows(ids.length, vocabulary, (worker, row) -> {
            long address = from + 4L * vocabulary * row;
            Memory.putFloat(to + 4L * row, normalizer(worker, address, vocabulary)
                    .logProbability(Memory.getFloat(address + 4L * ids[row])));
        });
    }

    void logProbabilityGradient(INDArray logits, INDArray labels, INDArray outGradient, INDArray logitsGradient) {
        String kernel = "logProbabilityGradient";
        check(kernel, logits, labels, outGradient);
        Operands.isFloat(kernel, logitsGradient);
        Operands.sameShape(kernel, logits, logitsGradient);
        int[] ids = Operands.indices(kernel, labels, logits.size(1));
        if (ids.length == 0) {
            return;
        }
        int vocabulary = Math.toIntExact(logits.size(1));
        long from = Operands.address(kernel, logits);
        long upstream = Operands.address(kernel, outGradient);
        long to = Operands.address(kernel, logitsGradient);
        forRows(ids.length, vocabulary, (worker, row) -> {
            float factor = Memory.getFloat(upstream + 4L * row);
            long target = to + 4L * vocabulary * row;
            long address = from + 4L * vocabulary * row;
            softmax(worker, address, vocabulary, -factor, target);
            long label = target + 4L * ids[row];
            Memory.putFloat(label, Memory.getFloat(label) + factor);
        });
    }

    void logSumExp(INDArray logits, INDArray out) {
        String kernel = "logSumExp";
        check(kernel, logits, out, out);
        if (out.length() == 0) {
            return;
        }
        int vocabulary = Math.toIntExact(logits.size(1));
        long from = Operands.address(kernel, logits);
        long to = Operands.address(kernel, out);
        forRows(Math.toIntExact(out.length()), vocabulary, (worker, row) ->
                Memory.putFloat(to + 4L * row, normalizer(worker, from + 4L * vocabulary * row, vocabulary).logSumExp()));
    }

    void logSumExpGradient(INDArray logits, INDArray outGradient, INDArray logitsGradient) {
        String kernel = "logSumExpGradient";
        check(kernel, logits, outGradient, outGradient);
        Operands.isFloat(kernel, logitsGradient);
        Operands.sameShape(kernel, logits, logitsGradient);
        if (outGradient.length() == 0) {
            return;
        }
        int vocabulary = Math.toIntExact(logits.size(1));
        long from = Operands.address(kernel, logits);
        long upstream = Operands.address(kernel, outGradient);
        long to = Operands.address(kernel, logitsGradient);
        forRows(Math.toIntExact(outGradient.length()), vocabulary, (worker, row) ->
                softmax(worker, from + 4L * vocabulary * row, vocabulary, Memory.getFloat(upstream + 4L * row),
                        to + 4L * vocabulary * row));
    }

    void klDivergence(INDArray from, INDArray to, INDArray out) {
        String kernel = "klDivergence";
        checkPair(kernel, from, to, out);
        if (out.length() == 0) {
            return;
        }
        int vocabulary = Math.toIntExact(from.size(1));
        long p = Operands.address(kernel, from);
        long q = Operands.address(kernel, to);
        long target = Operands.address(kernel, out);
        forRows(Math.toIntExact(out.length()), vocabulary, (worker, row) -> {
            long rowP = p + 4L * vocabulary * row;
            long rowQ = q + 4L * vocabulary * row;
            Memory.putFloat(target + 4L * row, (float) divergence(worker, rowP, normalizer(worker, rowP, vocabulary), rowQ,
                    normalizer(worker, rowQ, vocabulary), vocabulary));
        });
    }

    void klDivergenceGradient(INDArray from, INDArray to, INDArray outGradient, @Nullable INDArray fromGradient,
                              @Nullable INDArray toGradient) {
        String kernel = "klDivergenceGradient";
        checkPair(kernel, from, to, outGradient);
        for (INDArray gradient : new @Nullable INDArray[] {fromGradient, toGradient}) {
            if (gradient != null) {
                Operands.isFloat(kernel, gradient);
                Operands.sameShape(kernel, from, gradient);
            }
        }
        if (outGradient.length() == 0 || fromGradient == null && toGradient == null) {
            return;
        }
        int vocabulary = Math.toIntExact(from.size(1));
        long p = Operands.address(kernel, from);
        long q = Operands.address(kernel, to);
        long upstream = Operands.address(kernel, outGradient);
        long targetP = fromGradient == null ? 0 : Operands.address(kernel, fromGradient);
        long targetQ = toGradient == null ? 0 : Operands.address(kernel, toGradient);
        forRows(Math.toIntExact(outGradient.length()), vocabulary, (worker, row) -> {
            long offset = 4L * vocabulary * row;
            klGradient(worker, p + offset, q + offset, vocabulary, Memory.getFloat(upstream + 4L * row),
                    fromGradient == null ? 0 : targetP + offset, toGradient == null ? 0 : targetQ + offset);
        });
    }

    private static void klGradient(Worker worker, long p, long q, int vocabulary, float factor, long targetP, long targetQ) {
        Normalizer normalP = normalizer(worker, p, vocabulary);
        Normalizer normalQ = normalizer(worker, q, vocabulary);
        float divergence = targetP == 0 ? 0 : (float) divergence(worker, p, normalP, q, normalQ, vocabulary);
        for (int first = 0; first < vocabulary; first += TILE) {
            int count = Math.min(TILE, vocabulary - first);
            float[] difference = worker.floats(0, TILE);
            float[] probability = worker.floats(1, TILE);
            float[] other = worker.floats(2, TILE);
            logarithms(p + 4L * first, normalP, q + 4L * first, normalQ, count, probability, other, difference);
            VectorMath.exp(worker, probability, 0, probability, count);
            if (targetP != 0) {
                for (int i = 0; i < count; i++) {
                    difference[i] = factor * probability[i] * (difference[i] - divergence);
                }
                Memory.write(difference, 0, targetP + 4L * first, count);
            }
            if (targetQ != 0) {
                VectorMath.exp(worker, other, 0, other, count);
                for (int i = 0; i < count; i++) {
                    other[i] = factor * (other[i] - probability[i]);
                }
                Memory.write(other, 0, targetQ + 4L * first, count);
            }
        }
    }

    private static double divergence(Worker worker, long p, Normalizer normalP, long q, Normalizer normalQ, int vocabulary) {
        double sum = 0;
        for (int first = 0; first < vocabulary; first += TILE) {
            int count = Math.min(TILE, vocabulary - first);
            float[] difference = worker.floats(0, TILE);
            float[] probability = worker.floats(1, TILE);
            float[] other = worker.floats(2, TILE);
            logarithms(p + 4L * first, normalP, q + 4L * first, normalQ, count, probability, other, difference);
            VectorMath.exp(worker, probability, 0, probability, count);
            sum += VectorMath.dot(probability, difference, count);
        }
        return sum;
    }

    /** The two log-probabilities of a tile and their difference. */
    private static void logarithms(long p, Normalizer normalP, long q, Normalizer normalQ, int count, float[] logP,
                                   float[] logQ, float[] difference) {
        Memory.read(p, logP, 0, count);
        Memory.read(q, logQ, 0, count);
        float maxP = normalP.max;
        float logSumP = normalP.logSum;
        float maxQ = normalQ.max;
        float logSumQ = normalQ.logSum;
        for (int i = 0; i < count; i++) {
            logP[i] = logP[i] - maxP - logSumP;
            logQ[i] = logQ[i] - maxQ - logSumQ;
            difference[i] = logP[i] - logQ[i];
        }
    }

    /** Writes {@code factor * softmax} of a row. */
    private static void softmax(Worker worker, long address, int vocabulary, float factor, long target) {
        Normalizer normalizer = normalizer(worker, address, vocabulary);
        float scale = factor / normalizer.sum;
        for (int first = 0; first < vocabulary; first += TILE) {
            int count = Math.min(TILE, vocabulary - first);
            float[] tile = worker.floats(0, TILE);
            Memory.read(address + 4L * first, tile, 0, count);
            VectorMath.exp(worker, tile, -normalizer.max, tile, count);
            for (int i = 0; i < count; i++) {
                tile[i] *= scale;
            }
            Memory.write(tile, 0, target + 4L * first, count);
        }
    }

    private static Normalizer normalizer(Worker worker, long address, int vocabulary) {
        float[] tile = worker.floats(0, TILE);
        float max = Float.NEGATIVE_INFINITY;
        for (int first = 0; first < vocabulary; first += TILE) {
            int count = Math.min(TILE, vocabulary - first);
            Memory.read(address + 4L * first, tile, 0, count);
            max = Math.max(max, VectorMath.max(worker, tile, count));
        }
        double sum = 0;
        for (int first = 0; first < vocabulary; first += TILE) {
            int count = Math.min(TILE, vocabulary - first);
            Memory.read(address + 4L * first, tile, 0, count);
            VectorMath.exp(worker, tile, -max, tile, count);
            sum += VectorMath.sum(tile, count);
        }
        return new Normalizer(max, (float) sum, (float) Math.log(sum));
    }

    /** The largest logit of a row, and the sum of exponentials with it shifted out. */
    private record Normalizer(float max, float sum, float logSum) {
        float logSumExp() {
            return max + logSum;
        }

        float logProbability(float logit) {
            return logit - max - logSum;
        }
    }

    private void forRows(int rows, int vocabulary, RowTask task) {
        int perChunk = Math.max(1, CHUNK / vocabulary);
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int row = chunk * perChunk; row < end; row++) {
                task.run(worker, row);
            }
        });
    }

    private static void check(String kernel, INDArray logits, INDArray first, INDArray perRow) {
        Operands.matrix(kernel, logits);
        Operands.isFloat(kernel, logits);
        Operands.isFloat(kernel, perRow);
        Operands.shape(kernel, first, logits, logits.size(0));
        Operands.shape(kernel, perRow, logits, logits.size(0));
        if (logits.size(1) == 0 && logits.size(0) > 0) {
            throw Operands.mismatch(kernel, logits, perRow, "the vocabulary must not be empty");
        }
    }

    private static void checkPair(String kernel, INDArray from, INDArray to, INDArray perRow) {
        check(kernel, from, perRow, perRow);
        Operands.isFloat(kernel, to);
        Operands.sameShape(kernel, from, to);
    }
}
