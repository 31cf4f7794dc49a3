package org.finetune4j.head;

import java.util.List;
import java.util.Map;

/**
 * A loss of whole samples as a function of the losses of their tokens, with its own derivative; the token losses are what
 * {@link TokenLoss#build} gives, and the engine multiplies the derivative into their gradients. Token losses of all
 * sequences exist before any gradient does, so that a token's weight may depend on every other token.
 */
public interface SequenceLoss {
    /**
     * The loss of one sample and its derivative.
     *
     * @param sample   the sample's name
     * @param members  its sequences, the first of which is what is learned
     * @param training whether a gradient will be taken; state may change only then
     */
    Outcome of(String sample, List<Member> members, boolean training);

    /**
     * One sequence of a sample.
     *
     * @param losses  its tokens' losses {@code [supervised]}
     * @param columns numbers beside them, by name, each {@code [supervised]}
     */
    record Member(double[] losses, Map<String, float[]> columns) {
        /** The mean of the losses. */
        public double mean() {
            return sum() / losses.length;
        }

        /** The sum of the losses. */
        public double sum() {
            double sum = 0;
            for (double loss : losses) {
                sum += loss;
            }
            return sum;
        }

        /** The first number of a column, for what is the same for all tokens. */
        public double value(String column) {
            return columns.get(column)[0];
        }
    }

    /**
     * What became of a sample.
     *
     * @param loss      the sample's loss, before the weight of its tokens
     * @param gradients for each sequence the derivative of {@code loss} towards each of its tokens' losses
     * @param divisor   what the loss is a sum over, for means: 1 for a loss of the sample, or its number of tokens
     * @param logged    numbers of the sample to report, by name; the same names for every sample
     */
    record Outcome(double loss, List<double[]> gradients, double divisor, Map<String, Double> logged) {
        /** Keeps immutable copies. */
        public Outcome {
            gradients = List.copyOf(gradients);
            logged = Map.copyOf(logged);
        }
    }
}
