package org.finetune4j.methods.decode;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.methods.evaluate.Probabilities;

/** How the probabilities of several members become one. */
public enum EnsembleRule {
    /** The highest probability of each label over the members, made to sum to 1. */
    MAX_PROB {
        @Override
        public double[] combine(List<double[]> members) {
            double[] highest = members.get(0).clone();
            members.forEach(member -> Arrays.setAll(highest, label -> Math.max(highest[label], member[label])));
            double sum = Arrays.stream(highest).sum();
            return Arrays.stream(highest).map(p -> p / sum).toArray();
        }
    },
    /** The mean probability of each label. */
    MEAN_PROB {
        @Override
        public double[] combine(List<double[]> members) {
            return mean(members);
        }
    },
    /**
     * The label whose members are the surest together: the sum of their highest probabilities counts, not their number. The
     * result is the mean over these members.
     */
    MAJORITY {
        @Override
        public double[] combine(List<double[]> members) {
            double[] votes = new double[members.get(0).length];
            for (double[] member : members) {
                int label = Probabilities.argmax(member);
                votes[label] += member[label];
            }
            int winner = Probabilities.argmax(votes);
            return mean(members.stream().filter(member -> Probabilities.argmax(member) == winner).toList());
        }
    };

    /**
     * The probabilities of the ensemble, of which the highest is its answer.
     *
     * @param members the probabilities that each member gives to the labels, at least one member
     */
    public abstract double[] combine(List<double[]> members);

    private static double[] mean(List<double[]> members) {
        double[] mean = new double[members.get(0).length];
        members.forEach(member -> Arrays.setAll(mean, label -> mean[label] + member[label] / members.size()));
        return mean;
    }
}
