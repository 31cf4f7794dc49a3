package org.finetune4j.train;

import java.util.List;
import org.finetune4j.data.DataSource;
import org.finetune4j.methods.evaluate.Metric;

/**
 * What is measured on held-out samples before and after the training.
 *
 * @param heldOut       samples that are not trained on; those with a response and plain texts give the held-out loss
 * @param metrics       what is measured besides, each with its own demands on the samples; may be empty
 * @param maxNewTokens  longest generated answer, at least 1
 */
public record Evaluation(DataSource heldOut, List<Metric> metrics, int maxNewTokens) {
    /** Keeps an immutable copy. */
    public Evaluation {
        metrics = List.copyOf(metrics);
    }
}
