package org.finetune4j.methods.objective;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;

/** A linear model with a softmax, on which the cards show what their objectives do: weights {@code [features][classes]}. */
final class LinearSoftmax {
    private LinearSoftmax() {
    }

    static double accuracy(double[][] model, double[][] inputs, int[] labels) {
        int[] predicted = labels(model, inputs);
        return IntStream.range(0, labels.length).filter(t -> predicted[t] == labels[t]).count()
                / (double) labels.length;
    }

    static int[] labels(double[][] model, double[][] inputs) {
        return Arrays.stream(logits(model, inputs)).mapToInt(row -> IntStream.range(0, row.length)
                .reduce(0, (best, c) -> row[c] > row[best] ? c : best)).toArray();
    }

    static double[][] logits(double[][] model, double[][] inputs) {
        return map(inputs, x -> {
            double[] row = new double[model[0].length];
            for (int f = 0; f < model.length; f++) {
                for (int c = 0; c < model[0].length; c++) {
                    row[c] += model[f][c] * x[f];
                }
            }
            return row;
        });
    }

    static double[][] probabilities(double[][] logits) {
        return map(logits, Toy::softmax);
    }

    static double[][] map(double[][] rows, Function<double[], double[]> function) {
        return Arrays.stream(rows).map(function).toArray(double[][]::new);
    }

    static double[][] gaussian(Random random, int rows, int columns) {
        return map(new double[rows][columns], row -> {
            Arrays.setAll(row, column -> random.nextGaussian());
            return row;
        });
    }

    /** The mean of KL(from || to) over inputs. */
    static double drift(double[][] base, double[][] model, double[][] inputs) {
        double[][] from = probabilities(logits(base, inputs));
        double[][] to = probabilities(logits(model, inputs));
        double sum = 0;
        for (int t = 0; t < inputs.length; t++) {
            for (int c = 0; c < from[t].length; c++) {
                sum += from[t][c] * Math.log(from[t][c] / to[t][c]);
            }
        }
        return sum / inputs.length;
    }
}
