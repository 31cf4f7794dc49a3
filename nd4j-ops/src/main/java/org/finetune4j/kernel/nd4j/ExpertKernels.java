package org.finetune4j.kernel.nd4j;

import static org.finetune4j.kernel.nd4j.Arithmetic.read;
import static org.finetune4j.kernel.nd4j.Arithmetic.rows;
import static org.finetune4j.kernel.nd4j.Arithmetic.softmax;
import static org.finetune4j.kernel.nd4j.Arithmetic.type;
import static org.finetune4j.kernel.nd4j.Arithmetic.write;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Kernels of mixtures of experts: the choice of experts, and sums over what they give. */
final class ExpertKernels {
    private ExpertKernels() {
    }

    static void choose(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
        Arguments check = new Arguments("chooseExperts");
        int perToken = checkWeights(check, logits, weights);
        check.shape("chosen", chosen, "weights", weights, weights.length());
        if (logits.isEmpty()) {
            return;
        }
        double[][] values = logits.castTo(DataType.DOUBLE).toDoubleMatrix();
        int[] all = new int[values.length * perToken];
        for (int t = 0; t < values.length; t++) {
            choose(values[t], perToken, all, t * perToken);
        }
        chosen.assign(Nd4j.createFromArray(all));
        write(weights(logits, normalize, all, perToken), weights);
    }

    /** Writes the numbers of the largest by rising number. */
    private static void choose(double[] logits, int count, int[] chosen, int first) {
        boolean[] taken = new boolean[logits.length];
        for (int j = 0; j < count; j++) {
            int best = -1;
            for (int e = 0; e < logits.length; e++) {
                if (!taken[e] && (best < 0 || logits[e] > logits[best])) {
                    best = e;
                }
            }
            taken[best] = true;
        }
        int next = first;
        for (int e = 0; e < taken.length; e++) {
            if (taken[e]) {
                chosen[next++] = e;
            }
        }
    }

    /** The weights of the chosen, {@code [tokens, perToken]}, in the type of the arithmetic. */
    private static INDArray weights(INDArray logits, boolean normalize, int[] chosen, int perToken) {
        INDArray probabilities = softmax(read(logits, type(logits)));
        INDArray weights = Nd4j.create(probabilities.dataType(), logits.size(0), perToken);
        for (int i = 0; i < chosen.length; i++) {
            weights.putScalar(i / perToken, i % perToken, probabilities.getDouble(i / perToken, chosen[i]));
        }
        return normalize ? weights.div(weights.sum(true, 1)) : weights;
    }

    static void chooseGradient(INDArray logits, boolean normalize, INDArray chosen, INDArray weightGradient,
                               INDArray logitsGradient) {
        Arguments check = new Arguments("chooseExpertsGradient");
        int perToken = checkWeights(check, logits, weightGradient);
        check.numbers(logitsGradient);
        check.sameShape("logitsGradient", logitsGradient, "logits", logits);
        check.shape("chosen", chosen, "weightGradient", weightGradient, weightGradient.length());
        int[] all = check.indices("chosen", chosen, logits.size(1));
        if (logits.isEmpty()) {
            return;
        }
        DataType type = type(logits);
        INDArray weights = weights(logits, normalize, all, perToken);
        INDArray upstream = read(weightGradient, type);
        INDArray sums = weights.mul(upstream).sum(true, 1);
        INDArray result = normalize ? Nd4j.create(type, logits.shape())
                : softmax(read(logits, type)).mul(sums).neg();
        INDArray atChosen = normalize ? weights.mul(upstream.sub(sums)) : weights.mul(upstream);
        for (int i = 0; i < all.length; i++) {
            int token = i / perToken;
            result.putScalar(token, all[i], result.getDouble(token, all[i]) + atChosen.getDouble(token, i % perToken));
        }
        write(result, logitsGradient);
    }

    static void combine(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
        Arguments check = new Arguments("combineRows");
        int[] all = checkPlaces(check, y, places, weights, "out", out);
        if (out.isEmpty()) {
            return;
        }
        int perToken = all.length / Math.toIntExact(out.size(0));
        DataType type = type(y);
        INDArray wide = read(y, type);
        INDArray sums = Nd4j.create(type, out.shape());
        for (int i = 0; i < all.length; i++) {
            int token = i / perToken;
            INDArray row = row(wide, all[i]);
            row(sums, token).addi(weights == null ? row : row.mul(weights.getDouble(token, i % perToken)));
        }
        write(sums, out);
    }

    static void combineGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
        Arguments check = new Arguments("combineRowsGradient");
        int[] all = checkPlaces(check, y, places, weights, "outGradient", outGradient);
        RowKernels.like(check, "yGradient", yGradient, "y", y);
        RowKernels.like(check, "weightGradient", weightGradient, "weights", weights);
        if (outGradient.isEmpty()) {
            return;
        }
        int perToken = all.length / Math.toIntExact(outGradient.size(0));
        DataType type = type(y);
        INDArray wide = read(y, type);
        INDArray upstream = read(outGradient, type);
        INDArray result = Nd4j.create(type, y.shape());
        for (int i = 0; i < all.length; i++) {
            int token = i / perToken;
            INDArray arriving = row(upstream, token);
            row(result, all[i]).assign(arriving.mul(weights.getDouble(token, i % perToken)));
            if (weightGradient != null) {
                weightGradient.putScalar(token, i % perToken,
                        row(wide, all[i]).mul(arriving).sumNumber().doubleValue());
            }
        }
        if (yGradient != null) {
            write(result, yGradient);
        }
    }

    private static INDArray row(INDArray matrix, int index) {
        return rows(matrix, index, index + 1);
    }

    private static int checkWeights(Arguments check, INDArray logits, INDArray weights) {
        check.numbers(logits, weights);
        check.rank("logits", logits, 2);
        check.rank("weights", weights, 2);
        check.shape("weights", weights, "logits", logits, logits.size(0), weights.size(1));
        if (weights.size(1) < 1 || weights.size(1) > logits.size(1)) {
            throw check.refused(weights.size(1) + " experts for each token of logits of shape "
                    + Arguments.text(logits.shape()) + "; choose at least 1, and no more than there are");
        }
        return Math.toIntExact(weights.size(1));
    }

    private static int[] checkPlaces(Arguments check, INDArray y, INDArray places, @Nullable INDArray weights,
                                     String name, INDArray perToken) {
        check.numbers(y, perToken);
        check.rank("y", y, 2);
        check.rank(name, perToken, 2);
        int[] all = check.indices("places", places, y.size(0));
        check.shape("places", places, "y", y, y.size(0));
        check.shape(name, perToken, "y", y, perToken.size(0), y.size(1));
        long tokens = perToken.size(0);
        if (tokens == 0 ? all.length > 0 : all.length % tokens != 0) {
            throw check.refused(name + " of shape " + Arguments.text(perToken.shape()) + " for places of shape "
                    + Arguments.text(places.shape()) + "; each row must have equally many places");
        }
        if (weights != null) {
            check.numbers(weights);
            check.shape("weights", weights, "places", places, tokens, tokens == 0 ? weights.size(1) : all.length / tokens);
        }
        return all;
    }
}
