package org.finetune4j.methods.select;

import org.finetune4j.FinetuneException;

/**
 * A reward of two parts, which stay apart so that a filter can look at the accuracy alone.
 *
 * @param accuracyShare weight of the accuracy, in (0, 1]; the form of the answer has the rest. The paper has 0.9
 */
public record SplitReward(double accuracyShare) {
    /** Refuses a share out of range with a {@link FinetuneException}. */
    public SplitReward {
        if (!(accuracyShare > 0 && accuracyShare <= 1)) {
            throw new FinetuneException("a reward's share for accuracy is " + accuracyShare
                    + ", but must be in (0, 1]: without "
                    + "accuracy nothing tells a right answer. Choose one such as 0.9.");
        }
    }

    /** The whole reward of an answer with this accuracy and this form, both in [0, 1]. */
    public double total(double accuracy, double form) {
        return accuracyShare * accuracy + (1 - accuracyShare) * form;
    }
}
