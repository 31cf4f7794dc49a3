package org.finetune4j.methods.select;

import java.util.List;

/**
 * Which of several answers are the best and the worst rated, ties to the earlier one.
 *
 * @param best  place of the best
 * @param worst place of the worst
 * @param gap   how much better the best is
 */
record BestAndWorst(int best, int worst, double gap) {
    /** Of at least one rating; those that are not numbers count for nothing. */
    static BestAndWorst of(List<Double> ratings) {
        int best = -1;
        int worst = -1;
        for (int i = 0; i < ratings.size(); i++) {
            if (!Double.isNaN(ratings.get(i))) {
                best = best < 0 || ratings.get(i) > ratings.get(best) ? i : best;
                worst = worst < 0 || ratings.get(i) < ratings.get(worst) ? i : worst;
            }
        }
        return new BestAndWorst(best, worst, best < 0 ? Double.NaN : ratings.get(best) - ratings.get(worst));
    }

    /** Whether there is any rating. */
    boolean rated() {
        return best >= 0;
    }
}
