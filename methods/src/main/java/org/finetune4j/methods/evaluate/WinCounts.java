package org.finetune4j.methods.evaluate;

import org.finetune4j.FinetuneException;

/**
 * How often a judge preferred one model's answers to another's.
 *
 * @param wins   answers that were preferred, finite and at least 0; a half where two orders of the answers were asked for
 * @param losses answers to which the other's were preferred, finite and at least 0
 * @param ties   answers as good as the other's, finite and at least 0
 */
public record WinCounts(double wins, double losses, double ties) {
    /** Refuses counts that are none, and such of no answer at all. */
    public WinCounts {
        for (double count : new double[] {wins, losses, ties}) {
            if (!(count >= 0) || Double.isInfinite(count)) {
                throw new FinetuneException("wins " + wins + ", losses " + losses + " and ties " + ties
                        + " must each be finite and at least 0.");
            }
        }
        if (wins + losses + ties == 0) {
            throw new FinetuneException("no answer was compared, so that there is no score. Give at least one.");
        }
    }

    /**
     * The PandaLM score, {@code (wins - losses) / (wins + losses + ties)}, in [-1, 1], as Sorted LLaMA
     * (arXiv 2309.08968) reports it.
     */
    public double score() {
        return (wins - losses) / (wins + losses + ties);
    }
}
