package org.finetune4j.methods.select;

import java.util.Arrays;

/** Which prompts reinforcement learning can learn from, told by the accuracy of several answers to each. */
public enum RolloutRule {
    /** Those with at least one answer above the threshold: never-solved prompts teach nothing. */
    ANY_SUCCESS,
    /** Those whose answers differ: prompts that are always or never solved have no advantage to learn from. */
    NON_ZERO_VARIANCE;

    /**
     * Whether a prompt is kept.
     *
     * @param accuracies of the answers, at least one, without any reward for their form: a wrong answer in the right
     *                   form is not half a success
     * @param threshold  above which an answer is a success
     */
    public boolean keeps(double[] accuracies, double threshold) {
        double highest = Arrays.stream(accuracies).max().orElseThrow();
        return this == ANY_SUCCESS ? highest > threshold : highest != Arrays.stream(accuracies).min().orElseThrow();
    }

    /** The probability that a prompt is kept whose answers are right with probability {@code p}, independently. */
    public double keepProbability(double p, int answers) {
        return 1 - Math.pow(1 - p, answers) - (this == ANY_SUCCESS ? 0 : Math.pow(p, answers));
    }
}
