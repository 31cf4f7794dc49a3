package org.finetune4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.TooLong;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.Precision;
import org.jspecify.annotations.Nullable;

/**
 * How to train. Values are held as given; {@link #problems()} tells all that is wrong with them at once.
 *
 * @param epochs          passes over the data, at least 1; 0 when {@code maxSteps} rules
 * @param maxSteps        optimiser steps, at least 1; 0 when {@code epochs} rules
 * @param tokensPerBatch  input tokens per micro-batch, at least 1; a longer sample is a micro-batch of its own
 * @param accumulate      micro-batches per optimiser step, at least 1
 * @param learningRate    highest learning rate, at least 0; null for 2e-5, or 2e-4 with an adapter
 * @param schedule        the learning rate after the warm-up
 * @param cycles          how often a COSINE falls, each time from the highest rate, at least 1; 1 with other schedules
 * @param warmupFraction  share of the steps in which the learning rate rises linearly, in [0, 1)
 * @param weightDecay     decoupled decay of AdamW, at least 0; norms do not decay
 * @param beta1           decay of the first moment, in [0, 1)
 * @param beta2           decay of the second moment, in [0, 1)
 * @param epsilon         AdamW's epsilon, positive
 * @param clip            highest norm of a step's whole gradient, positive; infinity for no clipping
 * @param precision       type of weights and activations in computation
 * @param frozenWeights   how the linear layers of a base are kept that does not train; INT8 needs an adapter
 * @param seed            decides the order of the data, dropout and fresh parameters
 * @param maxLength       longest sample in tokens, at least 2
 * @param tooLong         what happens to longer ones
 * @param evaluateEvery   steps between losses on held-out samples; 0 for only before and after the training
 * @param checkpointEvery steps between checkpoints; 0 for none
 * @param keepCheckpoints checkpoints to keep, at least 1
 * @param memory          what is kept for the reverse pass and what is computed again; the result is the same
 * @param recomputedBlocks blocks to compute again where {@code memory} is BLOCKS, at least 0
 */
public record TrainSettings(int epochs, long maxSteps, int tokensPerBatch, int accumulate,
                            @Nullable Double learningRate, Schedule schedule, int cycles, double warmupFraction,
                            double weightDecay, double beta1, double beta2, double epsilon, double clip,
                            Precision precision, FrozenWeights frozenWeights, long seed, int maxLength, TooLong tooLong, long evaluateEvery,
                            long checkpointEvery, int keepCheckpoints, MemoryUse memory, int recomputedBlocks) {
    private static final double FULL_RATE = 2e-5;
    private static final double ADAPTER_RATE = 2e-4;

    /** The default settings: one epoch. */
    public static TrainSettings defaults() {
        return builder().build();
    }

    /** A builder that begins with the default settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** Steps of so many over which the learning rate rises. */
    public long warmupSteps(long totalSteps) {
        return (long) (warmupFraction * totalSteps);
    }

    /** The learning rate, with its default for full or adapter training. */
    public double learningRate(boolean adapter) {
        return learningRate != null ? learningRate : adapter ? ADAPTER_RATE : FULL_RATE;
    }

    /** What must be the same for a run to continue bit for bit, by path: all but how often it evaluates and saves,
     * and what it computes again. */
    Map<String, String> identity() {
        Map<String, String> identity = new LinkedHashMap<>();
        Object[][] values = {{"epochs", epochs}, {"maxSteps", maxSteps}, {"tokensPerBatch", tokensPerBatch},
            {"accumulate", accumulate}, {"schedule", schedule}, {"warmupFraction", warmupFraction},
            {"weightDecay", weightDecay}, {"beta1", beta1}, {"beta2", beta2}, {"epsilon", epsilon}, {"clip", clip},
            {"precision", precision}, {"frozenWeights", frozenWeights}, {"seed", seed}, {"maxLength", maxLength}, {"tooLong", tooLong}};
        for (Object[] value : values) {
            identity.put("train." + value[0], value[1].toString());
        }
        if (cycles != 1) {
            // Checkpoints from before there were several stay what they are.
            identity.put("train.cycles", Integer.toString(cycles));
        }
        return identity;
    }

    /** Everything that is out of range, one sentence each with the setting's path; empty when all is well. */
    public List<String> problems() {
        Ranges ranges = new Ranges();
        ranges.require("epochs", epochs, epochs >= 0, "at least 1, or 0 when maxSteps rules");
        ranges.require("maxSteps", maxSteps, maxSteps >= 0, "at least 1, or 0 when epochs rules");
        if (epochs >= 0 && maxSteps >= 0 && (epochs == 0) == (maxSteps == 0)) {
            ranges.problems.add("train.epochs is " + epochs + " and train.maxSteps is " + maxSteps
                    + "; give exactly one of them, and 0 for the other.");
        }
        ranges.require("tokensPerBatch", tokensPerBatch, tokensPerBatch >= 1, "at least 1");
        ranges.require("accumulate", accumulate, accumulate >= 1, "at least 1");
        double rate = learningRate(false);
        ranges.require("learningRate", rate, rate >= 0 && rate < Double.POSITIVE_INFINITY, "at least 0 and finite");
        ranges.require("cycles", cycles, cycles >= 1 && (cycles == 1 || schedule == Schedule.COSINE),
                "at least 1, and 1 with a schedule that is no cosine");
        ranges.require("warmupFraction", warmupFraction, warmupFraction >= 0 && warmupFraction < 1, "in [0, 1)");
        ranges.require("weightDecay", weightDecay, weightDecay >= 0 && weightDecay < Double.POSITIVE_INFINITY,
                "at least 0 and finite");
        ranges.require("beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
        ranges.require("beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
        ranges.require("epsilon", epsilon, epsilon > 0 && epsilon < Double.POSITIVE_INFINITY, "positive and finite");
        ranges.require("clip", clip, clip > 0, "positive (infinity for no clipping)");
        ranges.require("precision", precision, precision != Precision.F64,
                "F32 or BF16 (F64 is for gradient checks)");
        ranges.require("maxLength", maxLength, maxLength >= 2, "at least 2");
        ranges.require("evaluateEvery", evaluateEvery, evaluateEvery >= 0, "at least 0");
        ranges.require("checkpointEvery", checkpointEvery, checkpointEvery >= 0, "at least 0");
        ranges.require("keepCheckpoints", keepCheckpoints, keepCheckpoints >= 1, "at least 1");
        ranges.require("recomputedBlocks", recomputedBlocks, recomputedBlocks >= 0, "at least 0");
        return List.copyOf(ranges.problems);
    }

    private static final class Ranges {
        final List<String> problems = new ArrayList<>();

        void require(String name, Object value, boolean holds, String range) {
            if (!holds) {
                problems.add("train." + name + " is " + value + ", but must be " + range + ".");
            }
        }
    }

    /** Collects settings; what is not given keeps its default. */
    public static final class Builder {
        private int epochs = 1;
        private long maxSteps;
        private int tokensPerBatch = 2048;
        private int accumulate = 1;
        private @Nullable Double learningRate;
        private Schedule schedule = Schedule.COSINE;
        private int cycles = 1;
        private double warmupFraction = 0.1;
        private double weightDecay = 0.01;
        private double beta1 = 0.9;
        private double beta2 = 0.95;
        private double epsilon = 1e-8;
        private double clip = 1.0;
        private Precision precision = Precision.F32;
        private FrozenWeights frozenWeights = FrozenWeights.AS_ACTIVATIONS;
        private long seed = 42;
        private int maxLength = 1024;
        private TooLong tooLong = TooLong.ERROR;
        private long evaluateEvery;
        private long checkpointEvery;
        private int keepCheckpoints = 2;
        private MemoryUse memory = MemoryUse.AUTO;
        private int recomputedBlocks;

        private Builder() {
        }

        /** Trains for so many passes over the data. */
        public Builder epochs(int count) {
            epochs = count;
            maxSteps = 0;
            return this;
        }

        /** Trains for so many optimiser steps, however many passes these are. */
        public Builder maxSteps(long count) {
            maxSteps = count;
            epochs = 0;
            return this;
        }

        /** Sets the token budget of a micro-batch; default 2048. */
        public Builder tokensPerBatch(int tokens) {
            tokensPerBatch = tokens;
            return this;
        }

        /** Sets the micro-batches per optimiser step; default 1. */
        public Builder accumulate(int microBatches) {
            accumulate = microBatches;
            return this;
        }

        /** Sets the highest learning rate; default 2e-5, with an adapter 2e-4. */
        public Builder learningRate(double rate) {
            learningRate = rate;
            return this;
        }

        /** Sets the schedule; default {@link Schedule#COSINE}. */
        public Builder schedule(Schedule kind) {
            schedule = kind;
            return this;
        }

        /** Sets how often a cosine falls; default 1. */
        public Builder cycles(int count) {
            cycles = count;
            return this;
        }

        /** Sets the share of steps with a rising learning rate; default 0.1. */
        public Builder warmupFraction(double share) {
            warmupFraction = share;
            return this;
        }

        /** Sets the weight decay; default 0.01. */
        public Builder weightDecay(double decay) {
            weightDecay = decay;
            return this;
        }

        /** Sets the decays of both moments; default 0.9 and 0.95. */
        public Builder betas(double first, double second) {
            beta1 = first;
            beta2 = second;
            return this;
        }

        /** Sets AdamW's epsilon; default 1e-8. */
        public Builder epsilon(double value) {
            epsilon = value;
            return this;
        }

        /** Sets the highest gradient norm; default 1. */
        public Builder clip(double norm) {
            clip = norm;
            return this;
        }

        /** Sets the type of computation; default {@link Precision#F32}. */
        public Builder precision(Precision type) {
            precision = type;
            return this;
        }

        /** How the linear layers of a base that does not train are kept. */
        public Builder frozenWeights(FrozenWeights kept) {
            frozenWeights = kept;
            return this;
        }

        /** Sets the seed; default 42. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Sets the longest sample in tokens; default 1024. */
        public Builder maxLength(int tokens) {
            maxLength = tokens;
            return this;
        }

        /** Sets what happens to longer samples; default {@link TooLong#ERROR}. */
        public Builder tooLong(TooLong policy) {
            tooLong = policy;
            return this;
        }

        /** Sets the steps between held-out losses; default 0, only before and after. */
        public Builder evaluateEvery(long steps) {
            evaluateEvery = steps;
            return this;
        }

        /** Sets the steps between checkpoints; default 0, none. */
        public Builder checkpointEvery(long steps) {
            checkpointEvery = steps;
            return this;
        }

        /** Sets how many checkpoints are kept; default 2. */
        public Builder keepCheckpoints(int count) {
            keepCheckpoints = count;
            return this;
        }

        /** Sets what is kept and what is computed again; default {@link MemoryUse#AUTO}. */
        public Builder memory(MemoryUse use) {
            memory = use;
            return this;
        }

        /** Computes so many blocks again. */
        public Builder recomputedBlocks(int blocks) {
            memory = MemoryUse.BLOCKS;
            recomputedBlocks = blocks;
            return this;
        }

        /** The settings, unchecked. */
        public TrainSettings build() {
            return new TrainSettings(epochs, maxSteps, tokensPerBatch, accumulate, learningRate, schedule, cycles,
                    warmupFraction, weightDecay, beta1, beta2, epsilon, clip, precision, frozenWeights, seed, maxLength, tooLong,
                    evaluateEvery, checkpointEvery, keepCheckpoints, memory, recomputedBlocks);
        }
    }
}
