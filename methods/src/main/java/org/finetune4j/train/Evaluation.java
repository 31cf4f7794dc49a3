package org.finetune4j.train;

import java.util.List;
import org.finetune4j.data.DataSource;
import org.finetune4j.methods.decode.Decoder;
import org.finetune4j.methods.evaluate.Metric;
import org.jspecify.annotations.Nullable;

/**
 * What is measured on held-out samples before and after the training.
 *
 * @param heldOut       samples that are not trained on; those with a response and plain texts give the held-out loss
 * @param metrics       what is measured besides, each with its own demands on the samples; may be empty
 * @param maxNewTokens  longest generated answer, at least 1
 * @param decoder       how the probabilities of choices are made, or null for one pass over the plain question
 */
public record Evaluation(DataSource heldOut, List<Metric> metrics, int maxNewTokens, @Nullable Decoder decoder) {
    /** Keeps an immutable copy. */
    public Evaluation {
        metrics = List.copyOf(metrics);
    }

    /** An evaluation whose probabilities of choices are those of the plain question. */
    public Evaluation(DataSource heldOut, List<Metric> metrics, int maxNewTokens) {
        this(heldOut, metrics, maxNewTokens, null);
    }
}
