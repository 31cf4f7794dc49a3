package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.LinearSoftmax.accuracy;
import static org.finetune4j.methods.objective.LinearSoftmax.gaussian;
import static org.finetune4j.methods.objective.LinearSoftmax.labels;
import static org.finetune4j.methods.objective.LinearSoftmax.logits;
import static org.finetune4j.methods.objective.LinearSoftmax.map;
import static org.finetune4j.methods.objective.LinearSoftmax.probabilities;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.head.SequenceLoss.Member;
import org.finetune4j.head.SequenceLoss.Outcome;
import org.finetune4j.head.TokenLossProgram;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** The cards' experiments on models small enough for numbers by hand; seeds are averaged over. */
class ToyBehaviourTest {
    private static final int CLASSES = 16;
    private static final int FEATURES = 32;
    private static final int SEEDS = 2;

    private static void descend(double[][] model, double[][] inputs, double[][] gradient, double rate) {
        for (int t = 0; t < inputs.length; t++) {
            for (int f = 0; f < FEATURES; f++) {
                for (int c = 0; c < CLASSES; c++) {
                    model[f][c] -= rate * inputs[t][f] * gradient[t][c];
                }
            }
        }
    }

    /** The gradient towards the logits of the sum over samples of a weight times the negative log-likelihood. */
    private static double[][] weighted(double[][] probabilities, int[] labels, double[] weights) {
        double[][] gradient = map(probabilities, double[]::clone);
        for (int t = 0; t < labels.length; t++) {
            gradient[t][labels[t]] -= 1;
            for (int c = 0; c < CLASSES; c++) {
                gradient[t][c] *= weights[t];
            }
        }
        return gradient;
    }

    private static double[][] fitted(double[][] inputs, int[] labels, int steps, double rate) {
        double[][] model = new double[FEATURES][CLASSES];
        double[] weights = new double[labels.length];
        Arrays.fill(weights, 1.0 / labels.length);
        for (int step = 0; step < steps; step++) {
            descend(model, inputs, weighted(probabilities(logits(model, inputs)), labels, weights), rate);
        }
        return model;
    }

    /** Card {@code poft}, test 8: the answers that aligned models find unlikely are learned little. */
    @Test
    void poftIsDeafToWrongLabelsThatAlignedModelsDisbelieve() {
        double before = 0;
        double plain = 0;
        double poft = 0;
        double corrupted = 0;
        double clean = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            Random random = new Random(seed);
            double[][] truth = gaussian(random, FEATURES, CLASSES);
            double[][] weak = gaussian(random, 250, FEATURES);
            double[][] base = fitted(weak, labels(truth, weak), 20, 2);
            double[][] aligned = gaussian(random, 4000, FEATURES);
            double[][] teacher = fitted(aligned, labels(truth, aligned), 60, 5);
            double[][] inputs = gaussian(random, 300, FEATURES);
            int[] right = labels(truth, inputs);
            int[] given = IntStream.of(right).map(label -> random.nextDouble() < 0.4 ? random.nextInt(CLASSES) : label)
                    .toArray();
            double[][] heldOut = gaussian(random, 1000, FEATURES);
            int[] answers = labels(truth, heldOut);
            double[][] scores = probabilities(logits(teacher, inputs));
            double[][] sft = map(base, double[]::clone);
            double[][] tuned = map(base, double[]::clone);
            double[] equal = new double[300];
            Arrays.fill(equal, 1.0 / 300);
            double[] coefficients = new double[300];
            for (int step = 0; step < 400; step++) {
                descend(sft, inputs, weighted(probabilities(logits(sft, inputs)), given, equal), 1);
                double[][] now = probabilities(logits(tuned, inputs));
                for (int t = 0; t < 300; t++) {
                    Outcome outcome = new PoftLoss(1, 0).of("s", List.of(new Member(
                            new double[] {-Math.log(now[t][given[t]])}, Map.of(Poft.SCORE,
                            new float[] {(float) Math.log(Math.max(1e-12, scores[t][given[t]]))}, Poft.COUNTED,
                            new float[] {1}))), true);
                    coefficients[t] = outcome.gradients().get(0)[0] / 300;
                }
                descend(tuned, inputs, weighted(now, given, coefficients), 1);
            }
            before += accuracy(base, heldOut, answers) / SEEDS;
            plain += accuracy(sft, heldOut, answers) / SEEDS;
            poft += accuracy(tuned, heldOut, answers) / SEEDS;
            corrupted += IntStream.range(0, 300).filter(t -> given[t] != right[t]).mapToDouble(t -> 300 * coefficients[t])
                    .average().orElseThrow() / SEEDS;
            clean += IntStream.range(0, 300).filter(t -> given[t] == right[t]).mapToDouble(t -> 300 * coefficients[t])
                    .average().orElseThrow() / SEEDS;
        }
        String found = "before " + before + " sft " + plain + " poft " + poft + " coefficients " + corrupted + " " + clean;
        assertTrue(poft > plain + 0.1 && poft > before && plain < before, found);
        assertTrue(corrupted < 0.5 * clean, found);
    }

    /** Card {@code curiosft}, test 7: entropy stays above plain fine-tuning's, and cross-entropy to the truth below. */
    @Test
    @Tag("slow")
    void curiosityKeepsEntropyAndTheTruth() {
        double[] entropies = new double[3];
        double[] crossEntropies = new double[3];
        for (int seed = 0; seed < SEEDS; seed++) {
            Random random = new Random(seed);
            double[][] truth = map(gaussian(random, FEATURES, CLASSES), row -> Arrays.stream(row).map(x -> 0.35 * x).toArray());
            double[][] pretraining = gaussian(random, 2000, FEATURES);
            double[][] base = fitted(pretraining, drawn(random, truth, pretraining), 100, 2);
            double[][] inputs = gaussian(random, 200, FEATURES);
            int[] given = drawn(random, truth, inputs);
            double[][] heldOut = gaussian(random, 1000, FEATURES);
            double[][] wanted = probabilities(logits(truth, heldOut));
            double[] weights = {0, 1, 1};
            double[] mixes = {0.99, 0.99, 0.01};
            for (int arm = 0; arm < 3; arm++) {
                double[][] model = curious(base, inputs, given, weights[arm], mixes[arm]);
                double[][] predicted = probabilities(logits(model, heldOut));
                for (int t = 0; t < 1000; t++) {
                    for (int c = 0; c < CLASSES; c++) {
                        entropies[arm] -= predicted[t][c] * Math.log(predicted[t][c]) / 1000 / SEEDS;
                        crossEntropies[arm] -= wanted[t][c] * Math.log(predicted[t][c]) / 1000 / SEEDS;
                    }
                }
            }
        }
        String found = Arrays.toString(entropies) + " " + Arrays.toString(crossEntropies);
        assertTrue(entropies[0] < entropies[1] && entropies[1] < entropies[2], found);
        assertTrue(crossEntropies[0] > crossEntropies[1] && crossEntropies[1] > crossEntropies[2], found);
    }

    private static int[] drawn(Random random, double[][] truth, double[][] inputs) {
        return Arrays.stream(probabilities(logits(truth, inputs))).mapToInt(row -> {
            double point = random.nextDouble();
            int token = 0;
            while (token < CLASSES - 1 && (point -= row[token]) > 0) {
                token++;
            }
            return token;
        }).toArray();
    }

    /** 300 steps with the method's own expression, and a teacher that follows every fifth. */
    private static double[][] curious(double[][] base, double[][] inputs, int[] labels, double weight, double mix) {
        double[][] model = map(base, double[]::clone);
        double[][] teacher = map(base, double[]::clone);
        CurioSft objective = CurioSft.METHOD.create(new Settings(Map.of("weight", weight)));
        double[] weights = new double[labels.length];
        Arrays.fill(weights, 1.0 / labels.length);
        try (TokenLossProgram program = new TokenLossProgram(objective, DataType.DOUBLE, new Nd4jKernels())) {
            for (int step = 0; step < 300; step++) {
                if (step > 0 && step % 5 == 0) {
                    for (int f = 0; f < FEATURES; f++) {
                        for (int c = 0; c < CLASSES; c++) {
                            teacher[f][c] += mix * (model[f][c] - teacher[f][c]);
                        }
                    }
                }
                double[][] gradient = program.run(Nd4j.createFromArray(logits(model, inputs)), Nd4j.createFromArray(labels),
                        Nd4j.createFromArray(weights), weight == 0 ? null : Nd4j.createFromArray(logits(teacher, inputs)),
                        true).logitsGradient().toDoubleMatrix();
                descend(model, inputs, gradient, 0.5);
            }
        }
        return model;
    }

    /** Card {@code discriminative-ft}, test 8: others fall further than under plain fine-tuning, gold is at least as high. */
    @Test
    void othersArePushedBelowWherePlainFineTuningLeavesThem() {
        int prompts = 6;
        int answers = 10;
        double[][] gold = new double[2][2];
        double[][] others = new double[2][2];
        for (int seed = 0; seed < 10; seed++) {
            Random random = new Random(seed);
            double[][] start = gaussian(random, prompts, answers);
            double[][] base = probabilities(start);
            for (int arm = 0; arm < 2; arm++) {
                double[][] model = map(start, double[]::clone);
                DiscriminativeLoss loss = new DiscriminativeLoss(Discriminative.METHOD.create(new Settings(Map.of())));
                for (int step = 1; step <= 100; step++) {
                    double[][] now = probabilities(model);
                    for (int x = 0; x < prompts; x++) {
                        double[] towards = new double[answers];
                        towards[0] = 1;
                        if (arm == 1) {
                            int[] negatives = {negative(random, base[x]), negative(random, base[x])};
                            Outcome outcome = loss.of("p" + x, List.of(member(now[x][0], 0), member(now[x][negatives[0]],
                                    Math.log(base[x][negatives[0]])), member(now[x][negatives[1]],
                                    Math.log(base[x][negatives[1]]))), true);
                            towards[negatives[0]] += outcome.gradients().get(1)[0];
                            towards[negatives[1]] += outcome.gradients().get(2)[0];
                        }
                        double total = Arrays.stream(towards).sum();
                        for (int y = 0; y < answers; y++) {
                            model[x][y] += 0.5 * (towards[y] - total * now[x][y]);
                        }
                    }
                    if (step == 10 || step == 100) {
                        double[][] reached = probabilities(model);
                        for (int x = 0; x < prompts; x++) {
                            gold[arm][step / 100] += Math.log(reached[x][0]) / prompts / 10;
                            for (int y = 1; y < answers; y++) {
                                others[arm][step / 100] += Math.log(reached[x][y]) / prompts / 10 / (answers - 1);
                            }
                        }
                    }
                }
            }
        }
        String found = Arrays.deepToString(gold) + " " + Arrays.deepToString(others);
        for (int at = 0; at < 2; at++) {
            assertTrue(gold[1][at] >= gold[0][at], found);
            assertTrue(others[1][at] < others[0][at] - 0.5, found);
        }
    }

    private static Member member(double probability, double reference) {
        return new Member(new double[] {-Math.log(probability)}, Map.of(Discriminative.REFERENCE,
                new float[] {(float) reference}));
    }

    /** An answer that the base model draws, other than the gold one. */
    private static int negative(Random random, double[] base) {
        while (true) {
            double point = random.nextDouble();
            for (int y = 0; y < base.length; y++) {
                point -= base[y];
                if (point < 0 && y > 0) {
                    return y;
                } else if (point < 0) {
                    break;
                }
            }
        }
    }
}
