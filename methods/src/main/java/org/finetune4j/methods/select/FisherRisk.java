package org.finetune4j.methods.select;

/**
 * Why reinforcement learning forgets less: how far a step moves a softmax from where it was, by the Fisher matrix
 * {@code F = diag(p) - p p^T} of its logits, as {@code R(g) = g^T F g} of a step along g. A step of supervised
 * fine-tuning on the right choice c is {@code e_c - p}; one of reinforcement learning from a drawn choice a is
 * {@code (r_a - E r)(e_a - p)}.
 */
public final class FisherRisk {
    private FisherRisk() {
    }

    /** The risk of a supervised step on the right choice. */
    public static double supervised(double[] probabilities, int right) {
        return risk(probabilities, right);
    }

    /** The expected risk of a reinforcement step, the reward being 1 for the right choice and 0 elsewhere. */
    public static double reinforced(double[] probabilities, int right) {
        double expected = 0;
        for (int a = 0; a < probabilities.length; a++) {
            double advantage = (a == right ? 1 : 0) - probabilities[right];
            expected += probabilities[a] * advantage * advantage * risk(probabilities, a);
        }
        return expected;
    }

    /** The variance of that reward; times the supervised risk it is the reinforced one where all choices risk alike. */
    public static double variance(double[] probabilities, int right) {
        return probabilities[right] * (1 - probabilities[right]);
    }

    private static double risk(double[] p, int choice) {
        double squares = 0;
        double mean = 0;
        for (int i = 0; i < p.length; i++) {
            double g = (i == choice ? 1 : 0) - p[i];
            squares += p[i] * g * g;
            mean += p[i] * g;
        }
        return squares - mean * mean;
    }
}
