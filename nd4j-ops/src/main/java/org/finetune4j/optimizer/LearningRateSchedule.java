package org.finetune4j.optimizer;

/** The learning rate of every optimiser step, as a pure function. */
@FunctionalInterface
public interface LearningRateSchedule {
    /** The rate of a step; the first step is 1. */
    double rate(long step);

    /**
     * Rises linearly to {@code base} in the warm-up, then falls along half a cosine towards {@code floor} (SGDR without
     * restarts, arXiv 1608.03983). The first step after the warm-up has the full rate, and no step has a rate of 0.
     *
     * @param base        highest rate, at least 0
     * @param warmupSteps from 0 to {@code totalSteps - 1}
     * @param totalSteps  at least 1
     * @param floor       what the rate falls towards, from 0 to {@code base}
     * @throws IllegalArgumentException when a number is out of range
     */
    static LearningRateSchedule cosine(double base, long warmupSteps, long totalSteps, double floor) {
        check(base, warmupSteps, totalSteps, floor);
        return step -> step <= warmupSteps ? base * step / warmupSteps
                : floor + (base - floor) * 0.5 * (1 + Math.cos(Math.PI * done(step, warmupSteps, totalSteps)));
    }

    /** Rises like {@link #cosine}, then falls along a line towards {@code floor}. */
    static LearningRateSchedule linear(double base, long warmupSteps, long totalSteps, double floor) {
        check(base, warmupSteps, totalSteps, floor);
        return step -> step <= warmupSteps ? base * step / warmupSteps
                : floor + (base - floor) * (1 - done(step, warmupSteps, totalSteps));
    }

    /** Rises like {@link #cosine}, then stays. */
    static LearningRateSchedule constant(double base, long warmupSteps) {
        check(base, warmupSteps, warmupSteps + 1, 0);
        return step -> step <= warmupSteps ? base * step / warmupSteps : base;
    }

    private static double done(long step, long warmupSteps, long totalSteps) {
        return Math.min(1, (double) (step - warmupSteps - 1) / (totalSteps - warmupSteps));
    }

    private static void check(double base, long warmupSteps, long totalSteps, double floor) {
        if (!(base >= 0 && floor >= 0 && floor <= base && warmupSteps >= 0 && warmupSteps < totalSteps)) {
            throw new IllegalArgumentException("rate " + base + " down to " + floor + ", " + warmupSteps
                    + " warm-up steps of " + totalSteps);
        }
    }
}
