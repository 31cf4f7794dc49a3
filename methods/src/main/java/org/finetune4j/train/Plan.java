package org.finetune4j.train;

import java.util.List;

/**
 * What a run would do, found without loading or training any weight.
 *
 * @param stages              the legs of the run in order, each in one sentence
 * @param models              the models that the run needs, such as policy and reference
 * @param totalParameters     parameters of the model with its adapter
 * @param trainableParameters parameters that train
 * @param samples             training samples, before a selector chooses
 * @param tokens              tokens of the training samples (of one candidate each, where there are candidates)
 * @param supervisedTokens    tokens of these that are learned
 * @param droppedSamples      samples left out for their length
 * @param steps               optimiser steps
 * @param memory              peak memory, and what is computed again to spare some
 * @param seconds             estimated time of the training steps
 * @param data                what the data were taken for, what was left out of them, and how long samples are
 * @param problems            everything that refuses the run, one sentence each with the setting's path; empty when it
 *                            may run. With problems, numbers that could not be found are 0
 */
public record Plan(List<String> stages, List<String> models, long totalParameters, long trainableParameters,
                   int samples, long tokens, long supervisedTokens, int droppedSamples, long steps, MemoryEstimate memory,
                   double seconds, DataSummary data, List<String> problems) {
    /** Keeps immutable copies. */
    public Plan {
        stages = List.copyOf(stages);
        models = List.copyOf(models);
        problems = List.copyOf(problems);
    }

    /** Peak memory in bytes. */
    public long memoryBytes() {
        return memory.totalBytes();
    }

    /** Share of tokens that are learned, in [0, 1]. */
    public double supervisedShare() {
        return tokens == 0 ? 0 : (double) supervisedTokens / tokens;
    }

    /** This plan with other words for what refuses the run. */
    public Plan withProblems(List<String> others) {
        return new Plan(stages, models, totalParameters, trainableParameters, samples, tokens, supervisedTokens,
                droppedSamples, steps, memory, seconds, data, others);
    }
}
