package org.finetune4j.data;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/**
 * Deals samples into micro-batches by a token budget, in an order that is a pure function of seed and pass, so that a
 * run can continue anywhere.
 */
public final class Packer {
    private final List<Example> examples;
    private final int tokensPerBatch;
    private final int accumulate;
    private final long seed;
    private final @Nullable EpochStage stage;
    private List<Example> ofEpoch = List.of();
    private int orderedEpoch = -1;
    private int[] order = new int[0];

    /**
     * A packer.
     *
     * @param tokensPerBatch input tokens per micro-batch, at least 1; a longer sample is a micro-batch of its own
     * @param accumulate     micro-batches per optimiser step, at least 1; the last step of a pass may have fewer
     * @param seed           decides the order of every pass
     */
    public Packer(List<Example> examples, int tokensPerBatch, int accumulate, long seed) {
        this(examples, null, tokensPerBatch, accumulate, seed);
    }

    /** As the other constructor, with what the samples are in each pass, or null where they stay the same. */
    public Packer(List<Example> examples, @Nullable EpochStage stage, int tokensPerBatch, int accumulate, long seed) {
        this.stage = stage;
        if (examples.isEmpty()) {
            throw new FinetuneException("there is no sample to train on. Check the data and what the selector left.");
        }
        if (tokensPerBatch < 1 || accumulate < 1) {
            throw new IllegalArgumentException(tokensPerBatch + " tokens per batch, " + accumulate + " micro-batches");
        }
        this.examples = List.copyOf(examples);
        this.tokensPerBatch = tokensPerBatch;
        this.accumulate = accumulate;
        this.seed = seed;
    }

    /** The samples of the optimiser step that begins at a position; a step never spans two passes. */
    public Step step(DataPosition position) {
        int[] shuffled = order(position.epoch());
        if (position.index() >= shuffled.length) {
            throw new IllegalArgumentException(position + " lies behind the last of " + shuffled.length + " samples");
        }
        List<List<Example>> batches = new ArrayList<>(accumulate);
        int next = position.index();
        while (batches.size() < accumulate && next < shuffled.length) {
            List<Example> batch = new ArrayList<>();
            long tokens = 0;
            while (next < shuffled.length) {
                Example example = ofEpoch.get(shuffled[next]);
                tokens += example.packedTokens();
                if (!batch.isEmpty() && tokens > tokensPerBatch) {
                    break;
                }
                batch.add(example);
                next++;
            }
            batches.add(batch);
        }
        return new Step(batches, next < shuffled.length ? new DataPosition(position.epoch(), next)
                : new DataPosition(position.epoch() + 1, 0));
    }

    /** Optimiser steps that this many passes take. */
    public long steps(int epochs) {
        return steps(DataPosition.START, epochs);
    }

    /** Optimiser steps from a position to the end of this many passes. */
    public long steps(DataPosition from, int epochs) {
        long steps = 0;
        for (DataPosition at = from; at.epoch() < epochs; at = step(at).next()) {
            steps++;
        }
        return steps;
    }

    /** The samples' numbers in the order of one pass: Fisher and Yates' shuffle. */
    int[] order(int epoch) {
        if (epoch != orderedEpoch) {
            int[] shuffled = new int[examples.size()];
            long random = CounterRandom.seed(seed, "order", epoch);
            for (int i = 0; i < shuffled.length; i++) {
                int j = (int) Long.remainderUnsigned(CounterRandom.bits(random, i), i + 1);
                shuffled[i] = shuffled[j];
                shuffled[j] = i;
            }
            order = shuffled;
            orderedEpoch = epoch;
            ofEpoch = stage == null ? examples : stage.examples(examples, epoch);
            if (ofEpoch.size() != examples.size()) {
                throw new IllegalStateException("pass " + epoch + " has " + ofEpoch.size() + " samples of "
                        + examples.size());
            }
        }
        return order;
    }

    /**
     * The samples of one optimiser step.
     *
     * @param batches its micro-batches
     * @param next    where the next step begins
     */
    public record Step(List<List<Example>> batches, DataPosition next) {
        /** Keeps immutable copies. */
        public Step {
            batches = batches.stream().map(List::copyOf).toList();
        }
    }
}
