package org.finetune4j.methods.objective;

import java.util.function.IntFunction;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;

/**
 * What an objective may use for passes of its own.
 *
 * @param model        the policy, whose weights change from step to step
 * @param options      how its passes are computed
 * @param other        batches drawn independently of those that are learned: the nth of a run, a pure function of its number
 * @param batches      most micro-batches of a step
 * @param learningRate the run's highest learning rate
 * @param warmupSteps  optimiser steps over which that rate is reached
 * @param seed         the run's seed
 */
public record PassContext(LanguageModel model, EngineOptions options, IntFunction<PackedBatch> other, int batches,
                          double learningRate, long warmupSteps, long seed) {
}
