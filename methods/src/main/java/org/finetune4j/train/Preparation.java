package org.finetune4j.train;

import java.util.List;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Sample;
import org.jspecify.annotations.Nullable;

/**
 * What planning found and a run goes on with.
 *
 * @param plan      the plan
 * @param samples   the training samples, before a selector chooses
 * @param encoded   the training samples encoded, or null where a selector chooses first
 * @param heldOut   the held-out samples
 * @param heldOutEncoded those of them with something to learn, encoded, or null when there are none
 * @param maxLength longest sequence: the setting, or the model's context where that is shorter
 */
record Preparation(Plan plan, List<Sample> samples, @Nullable EncodedSamples encoded, List<Sample> heldOut,
                   @Nullable EncodedSamples heldOutEncoded, int maxLength) {
}
