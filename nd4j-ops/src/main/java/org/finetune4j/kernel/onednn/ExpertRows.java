package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels of mixtures of experts: the choice of experts, and sums over what they give, token by token. */
final class ExpertRows {
    /** Elements per chunk; a chunk holds whole tokens. */
    private static final int CHUNK = 1 << 15;
    private final Workers workers;

    ExpertRows(Workers workers) {
        this.workers = workers;
    }

    void choose(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
        String kernel = "chooseExperts";
        int perToken = checkWeights(kernel, logits, chosen, weights);
        if (logits.length() == 0) {
            return;
        }
        boolean bfloat16 = Operands.isBfloat16(kernel, logits);
        int experts = Math.toIntExact(logits.size(1));
        long from = Operands.address(kernel, logits);
        long numbers = Operands.address(kernel, chosen);
        long to = Operands.address(kernel, weights);
        forTokens(Math.toIntExact(logits.size(0)), experts, (worker, t) -> {
            float[] values = worker.floats(0, experts);
            int[] best = worker.ints(2, perToken);
            Lanes.loadInOrder(worker, bfloat16, from + (long) t * experts * Lanes.width(bfloat16), experts, values);
            largest(worker, values, experts, best, perToken);
            for (int j = 0; j < perToken; j++) {
                Memory.putInt(numbers + 4 * ((long) t * perToken + j), best[j]);
            }
            float[] chosenWeights = worker.floats(1, perToken);
            weights(values, experts, best, perToken, normalize, chosenWeights);
            Memory.write(chosenWeights, 0, to + 4L * t * perToken, perToken);
        });
    }

    /** The numbers of the largest, by rising number; of equal ones those of lower number. */
    private static void largest(Worker worker, float[] values, int experts, int[] best, int count) {
        int[] taken = worker.ints(3, experts);
        Arrays.fill(taken, 0, experts, 0);
        for (int j = 0; j < count; j++) {
            int found = -1;
            for (int e = 0; e < experts; e++) {
                if (taken[e] == 0 && (found < 0 || values[e] > values[found])) {
                    found = e;
                }
            }
            taken[found] = 1;
        }
        int next = 0;
        for (int e = 0; e < experts; e++) {
            if (taken[e] != 0) {
                best[next++] = e;
            }
        }
    }

    /** The softmax of the values at the chosen: over all, or where it is normalised over the chosen alone. */
    private static void weights(float[] values, int experts, int[] chosen, int count, boolean normalize,
                                float[] weights) {
        float shift = shift(values, experts);
        double sum = sum(values, experts, chosen, count, normalize, shift);
        for (int j = 0; j < count; j++) {
            weights[j] = (float) (Math.exp(values[chosen[j]] - shift) / sum);
        }
    }

    private static float shift(float[] values, int experts) {
        float shift = Float.NEGATIVE_INFINITY;
        for (int e = 0; e < experts; e++) {
            shift = Math.max(shift, values[e]);
        }
        return shift;
    }

    private static double sum(float[] values, int experts, int[] chosen, int count, boolean normalize, float shift) {
        double sum = 0;
        for (int i = 0; i < (normalize ? count : experts); i++) {
            sum += Math.exp(values[normalize ? chosen[i] : i] - shift);
        }
        return sum;
    }

    void chooseGradient(INDArray logits, boolean normalize, INDArray chosen, INDArray weightGradient,
                        INDArray logitsGradient) {
        String kernel = "chooseExpertsGradient";
        int perToken = checkWeights(kernel, logits, chosen, weightGradient);
        Operands.alike(kernel, logits, logitsGradient, logitsGradient);
        int[] all = Operands.indices(kernel, chosen, logits.size(1));
        if (logits.length() == 0) {
            return;
        }
        boolean bfloat16 = Operands.isBfloat16(kernel, logits);
        int experts = Math.toIntExact(logits.size(1));
        long rowBytes = (long) experts * Lanes.width(bfloat16);
        long from = Operands.address(kernel, logits);
        long upstream = Operands.address(kernel, weightGradient);
        long to = Operands.address(kernel, logitsGradient);
        forTokens(Math.toIntExact(logits.size(0)), experts, (worker, t) -> {
            float[] values = worker.floats(0, experts);
            float[] gradients = worker.floats(1, experts);
            float[] upstreams = worker.floats(2, perToken);
            int[] best = worker.ints(2, perToken);
            System.arraycopy(all, t * perToken, best, 0, perToken);
            Lanes.loadInOrder(worker, bfloat16, from + t * rowBytes, experts, values);
            Memory.read(upstream + 4L * t * perToken, upstreams, 0, perToken);
            gradient(values, experts, best, perToken, normalize, upstreams, gradients);
            Lanes.storeInOrder(worker, bfloat16, gradients, experts, to + t * rowBytes);
        });
    }

    private static void gradient(float[] values, int experts, int[] chosen, int count, boolean normalize,
                                 float[] upstream, float[] gradient) {
        float shift = shift(values, experts);
        double sum = sum(values, experts, chosen, count, normalize, shift);
        double mean = 0;
        for (int j = 0; j < count; j++) {
            mean += Math.exp(values[chosen[j]] - shift) / sum * upstream[j];
        }
        for (int e = 0; e < experts; e++) {
            gradient[e] = normalize ? 0 : (float) (-Math.exp(values[e] - shift) / sum * mean);
        }
        for (int j = 0; j < count; j++) {
            gradient[chosen[j]] = (float) (Math.exp(values[chosen[j]] - shift) / sum * (upstream[j] - mean));
        }
    }

    void combine(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
        String kernel = "combineRows";
        int[] all = checkPlaces(kernel, y, places, weights, out);
        if (out.length() == 0) {
            return;
        }
        boolean bfloat16 = Operands.isBfloat16(kernel, y);
        int hidden = Math.toIntExact(y.size(1));
        int tokens = Math.toIntExact(out.size(0));
        int perToken = all.length / tokens;
        long rowBytes = (long) hidden * Lanes.width(bfloat16);
        long from = all.length == 0 ? 0 : Operands.address(kernel, y);
        long factors = weights == null ? 0 : Operands.address(kernel, weights);
        long to = Operands.address(kernel, out);
        forTokens(tokens, hidden * Math.max(1, perToken), (worker, t) -> {
            float[] sum = worker.floats(0, hidden);
            float[] row = worker.floats(1, hidden);
            Arrays.fill(sum, 0, hidden, 0);
            for (int i = t * perToken; i < (t + 1) * perToken; i++) {
                Lanes.load(worker, bfloat16, from + all[i] * rowBytes, hidden, row);
                addScaled(row, factors == 0 ? 1 : Memory.getFloat(factors + 4L * i), sum, hidden);
            }
            Lanes.store(worker, bfloat16, sum, hidden, to + t * rowBytes);
        });
    }

    void combineGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                         @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
        String kernel = "combineRowsGradient";
        int[] all = checkPlaces(kernel, y, places, weights, outGradient);
        if (yGradient != null) {
            Operands.alike(kernel, y, yGradient, yGradient);
        }
        if (weightGradient != null) {
            Operands.alike(kernel, weights, weightGradient, weightGradient);
        }
        if (outGradient.length() == 0) {
            return;
        }
        boolean bfloat16 = Operands.isBfloat16(kernel, y);
        int hidden = Math.toIntExact(y.size(1));
        int tokens = Math.toIntExact(outGradient.size(0));
        int perToken = all.length / tokens;
        long rowBytes = (long) hidden * Lanes.width(bfloat16);
        long from = Operands.address(kernel, y);
        long factors = Operands.address(kernel, weights);
        long upstream = Operands.address(kernel, outGradient);
        long to = yGradient == null ? 0 : Operands.address(kernel, yGradient);
        long toWeights = weightGradient == null ? 0 : Operands.address(kernel, weightGradient);
        forTokens(tokens, hidden * perToken, (worker, t) -> {
            float[] upstreams = worker.floats(0, hidden);
            float[] row = worker.floats(1, hidden);
            Lanes.load(worker, bfloat16, upstream + t * rowBytes, hidden, upstreams);
            for (int i = t * perToken; i < (t + 1) * perToken; i++) {
                if (toWeights != 0) {
                    Lanes.load(worker, bfloat16, from + all[i] * rowBytes, hidden, row);
                    Memory.putFloat(toWeights + 4L * i, product(row, upstreams, hidden));
                }
                if (to != 0) {
                    scale(upstreams, Memory.getFloat(factors + 4L * i), row, hidden);
                    Lanes.store(worker, bfloat16, row, hidden, to + all[i] * rowBytes);
                }
            }
        });
    }

    private static void addScaled(float[] row, float factor, float[] sum, int count) {
        for (int i = 0; i < count; i++) {
            sum[i] += row[i] * factor;
        }
    }

    private static void scale(float[] row, float factor, float[] out, int count) {
        for (int i = 0; i < count; i++) {
            out[i] = row[i] * factor;
        }
    }

    /** The inner product; the second factor stays as it is. */
    private static float product(float[] a, float[] b, int count) {
        for (int i = 0; i < count; i++) {
            a[i] *= b[i];
        }
        return VectorMath.sum(a, count);
    }

    private interface TokenTask {
        void run(Worker worker, int token);
    }

    private void forTokens(int tokens, int elements, TokenTask task) {
        int perChunk = Math.max(1, CHUNK / elements);
        workers.run((tokens + perChunk - 1) / perChunk, (worker, chunk) -> {
            int end = Math.min(tokens, (chunk + 1) * perChunk);
            for (int t = chunk * perChunk; t < end; t++) {
                task.run(worker, t);
            }
        });
    }

    private static int checkWeights(String kernel, INDArray logits, INDArray chosen, INDArray weights) {
        Operands.matrix(kernel, logits);
        Operands.matrix(kernel, weights);
        Operands.isBfloat16(kernel, logits);
        Operands.isFloat(kernel, weights);
        Operands.shape(kernel, weights, logits, logits.size(0), weights.size(1));
        if (weights.size(1) < 1 || weights.size(1) > logits.size(1)) {
            throw new IllegalArgumentException(kernel + ": " + weights.size(1) + " experts for each token of logits of shape "
                    + Arrays.toString(logits.shape()) + "; choose at least 1, and no more than there are");
        }
        Operands.isInteger(kernel, chosen);
        Operands.shape(kernel, chosen, weights, weights.length());
        return Math.toIntExact(weights.size(1));
    }

    private static int[] checkPlaces(String kernel, INDArray y, INDArray places, @Nullable INDArray weights,
                                     INDArray perToken) {
        Operands.matrix(kernel, y);
        Operands.isBfloat16(kernel, y);
        Operands.matrix(kernel, perToken);
        Operands.sameType(kernel, y, perToken);
        Operands.shape(kernel, perToken, y, perToken.size(0), y.size(1));
        Operands.shape(kernel, places, y, y.size(0));
        long tokens = perToken.size(0);
        if (tokens == 0 ? places.length() > 0 : places.length() % tokens != 0) {
            throw Operands.mismatch(kernel, places, perToken, "each row must have equally many places");
        }
        if (weights != null) {
            Operands.isFloat(kernel, weights);
            Operands.shape(kernel, weights, places, tokens, tokens == 0 ? weights.size(1) : places.length() / tokens);
        }
        return Operands.indices(kernel, places, y.size(0));
    }
}
