package org.finetune4j.methods.judge;

import org.finetune4j.FinetuneException;

/**
 * What tuning changed on benchmarks that it was not for.
 *
 * @param points   mean difference of the scores, tuned less base
 * @param relative mean difference in per cent of the base's score
 */
public record Retention(double points, double relative) {
    /**
     * Compares scores of the same benchmarks.
     *
     * @param base  of the model before tuning, none of them 0
     * @param tuned of the tuned model
     * @throws FinetuneException when the arrays differ in length or are empty, or a base score is 0
     */
    public static Retention of(double[] base, double[] tuned) {
        if (base.length != tuned.length || base.length == 0) {
            throw new FinetuneException("retention: there are " + base.length + " scores before and " + tuned.length
                    + " after. Give the same benchmarks, at least one.");
        }
        double points = 0;
        double relative = 0;
        for (int i = 0; i < base.length; i++) {
            if (base[i] == 0) {
                throw new FinetuneException("retention: benchmark " + (i + 1) + " scores 0 before, so that no share "
                        + "of it can "
                        + "be lost. Leave it out.");
            }
            points += tuned[i] - base[i];
            relative += 100 * (tuned[i] - base[i]) / base[i];
        }
        return new Retention(points / base.length, relative / base.length);
    }
}
