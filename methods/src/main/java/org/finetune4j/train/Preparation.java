package org.finetune4j.train;

import java.util.List;
import java.util.Set;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.Metric;
import org.jspecify.annotations.Nullable;

/**
 * What planning found and a run goes on with.
 *
 * @param plan      the plan
 * @param samples   the training samples that a selector chooses from, without responses that are to be dropped for length;
 *                  none where nothing is chosen
 * @param prompts   what the training samples leave for {@link org.finetune4j.data.Overlap} to find them by
 * @param longResponses how many responses those are
 * @param encoded   the training samples encoded, or null where a selector chooses first
 * @param heldOut   the held-out samples
 * @param heldOutEncoded those of them with something to learn, encoded, or null when there are none
 * @param measured  what is measured and on what
 * @param limit     longest sequence
 */
record Preparation(Plan plan, List<Sample> samples, Set<Long> prompts, int longResponses, @Nullable EncodedSamples encoded,
                   List<Sample> heldOut, @Nullable EncodedSamples heldOutEncoded, List<Measured> measured,
                   LengthLimit limit) {
    /** A metric and the samples that it is measured on. */
    record Measured(Metric metric, List<Sample> samples) {
    }
}
