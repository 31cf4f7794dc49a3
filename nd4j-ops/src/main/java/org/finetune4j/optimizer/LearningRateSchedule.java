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
        return cosine(base, warmupSteps, totalSteps, floor, 1);
    }

    /**
     * Rises like {@link #cosine(double, long, long, double)}, then falls along half a cosine so many times, each from
     * {@code base} (SGDR with cycles of one length, arXiv 1608.03983).
     *
     * @param cycles at least 1
     */
    static LearningRateSchedule cosine(double base, long warmupSteps, long totalSteps, double floor, int cycles) {
        check(base, warmupSteps, totalSteps, floor);
        if (cycles < 1) {
            throw new IllegalArgumentException(cycles + " cycles");
        }
        return step -> step <= warmupSteps ? base * step / warmupSteps
                : floor + (base - floor) * cosineFactor(done(step, warmupSteps, totalSteps), cycles);
    }

    /** What is left of the rate when a share of the steps after the warm-up is done, from 1 down to 0. */
    static double cosineFactor(double done, int cycles) {
        return done >= 1 ? 0 : 0.5 * (1 + Math.cos(Math.PI * (cycles * done % 1)));
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
