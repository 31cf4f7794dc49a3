package org.finetune4j.train;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.methods.objective.Reduction;
import org.jspecify.annotations.Nullable;

/**
 * What the trainer is to do.
 *
 * @param settings     how to train
 * @param learningRate highest learning rate
 * @param reduction    how token losses are averaged over a step
 * @param data         what to train on
 * @param heldOut      what the held-out loss is taken on, or null for none
 * @param runFolder    where metrics and checkpoints are written, or null for none
 * @param identity     what the caller holds to be the same when a run continues, by name; the trainer adds its own
 * @param recipe       the recipe as JSON, kept in checkpoints
 * @param rule         what the methods of the run ask of the loop
 */
public record TrainingJob(TrainSettings settings, double learningRate, Reduction reduction, EncodedSamples data,
                   @Nullable EncodedSamples heldOut, @Nullable Path runFolder,
                   Map<String, String> identity, String recipe, StepRule rule) {
    /** A job whose methods ask nothing of the loop. */
    public TrainingJob(TrainSettings settings, double learningRate, Reduction reduction, EncodedSamples data,
                @Nullable EncodedSamples heldOut, @Nullable Path runFolder, Map<String, String> identity,
                String recipe) {
        this(settings, learningRate, reduction, data, heldOut, runFolder, identity, recipe, StepRule.PLAIN);
    }

    /** Keeps a copy in its order. */
    public TrainingJob {
        identity = Collections.unmodifiableMap(new LinkedHashMap<>(identity));
    }
}
