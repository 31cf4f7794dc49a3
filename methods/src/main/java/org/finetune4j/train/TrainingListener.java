package org.finetune4j.train;

import java.util.Map;

/** Hears what a run does; every method is called on the training thread and does nothing by default. */
public interface TrainingListener {
    /** A listener that does nothing. */
    TrainingListener NONE = new TrainingListener() { };

    /** A leg of the run begins, such as {@code "load the model"} or {@code "generate answers before training"}. */
    default void stageBegan(String stage) {
    }

    /** A leg that consists of countable items went on. */
    default void stageProgressed(String stage, long done, long total) {
    }

    /** An optimiser step was made. */
    default void stepMade(StepEvent event) {
    }

    /** The held-out samples were evaluated after a step; step 0 is before training. */
    default void evaluated(EvaluationEvent event) {
    }

    /** A selector has chosen; the report says by name what it did. */
    default void selected(Map<String, String> report) {
    }

    /** A checkpoint was written. */
    default void checkpointWritten(long step, java.nio.file.Path folder) {
    }

    /** The run continues from a checkpoint. */
    default void resumed(long step, java.nio.file.Path folder) {
    }

    /** Something that does not stop the run but should be known. */
    default void warned(String message) {
    }

    /** Asked after every step: true ends the run in good order, with a checkpoint of this step written. */
    default boolean stopRequested() {
        return false;
    }

    /**
     * An optimiser step.
     *
     * @param step             1 for the first
     * @param totalSteps       steps of the whole run
     * @param loss             mean token loss over the step's supervised tokens
     * @param values           means over supervised tokens of what the objective logs, by name
     * @param gradientNorm     norm of the whole gradient before clipping
     * @param learningRate     the rate of this step
     * @param tokens           tokens fed to the model
     * @param supervisedTokens tokens that were learned
     * @param tokensPerSecond  tokens fed to the model per second in this step
     * @param remainingSeconds estimated time until the last step
     */
    record StepEvent(long step, long totalSteps, double loss, Map<String, Double> values, double gradientNorm,
                     double learningRate, long tokens, long supervisedTokens, double tokensPerSecond,
                     double remainingSeconds) {
    }

    /**
     * An evaluation on held-out samples.
     *
     * @param step             steps made before it
     * @param loss             mean token loss
     * @param values           means of what the objective logs, by name
     * @param supervisedTokens tokens that the means are taken over
     */
    record EvaluationEvent(long step, double loss, Map<String, Double> values, long supervisedTokens) {
    }
}
