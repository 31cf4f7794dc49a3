package org.finetune4j.methods.judge;

/**
 * When an answer counts as badly worked out, told by the rewards of its steps (STAT, arXiv 2510.10023).
 *
 * @param whole at or below which the last step's reward or the mean makes the answer bad, in (0, 1); the paper has 0.85
 * @param step  at or below which any step before the last makes it bad, in (0, 1); the paper has 0.70
 */
public record StepRewards(double whole, double step) {
    /** Whether an answer is worked out well: {@code rewards} of its steps in order, at least one, each in [0, 1]. */
    public boolean good(double[] rewards) {
        double sum = 0;
        for (int i = 0; i < rewards.length; i++) {
            if (i < rewards.length - 1 && rewards[i] <= step) {
                return false;
            }
            sum += rewards[i];
        }
        return rewards[rewards.length - 1] > whole && sum / rewards.length > whole;
    }
}
