package org.finetune4j.train;

import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.EngineOptions;

/**
 * Memory of a training and what is computed again to fit into it. Sizes are exact but for the program's own.
 *
 * @param parameterBytes   weights: masters of those that train, their values in computation, and frozen ones
 * @param optimizerBytes   gradients and moments of what trains
 * @param activationBytes  intermediate arrays of a pass over the largest batch
 * @param headBytes        a chunk of logits with its gradient, at most
 * @param referenceBytes   a frozen copy of the weights or the weights of a teacher, where the objective needs one
 * @param passBytes        what passes beside the training's own hold: arrays of second engines, copies of weights, and where
 *                         every pass over the data has a choice of its own, what that asks
 * @param copyBytes        copies of frozen weights in a layout by which gradients are multiplied faster, made of memory that
 *                         nothing else needs
 * @param cacheBytes       keys and values of answers that are generated before and after the training
 * @param generationBytes  what else generating them needs beside the parameters: intermediate arrays, and copies of the
 *                         weights in a faster layout
 * @param otherBytes       other models that are asked before the training, with their arrays
 * @param programBytes     Java and libraries, as measured
 * @param availableBytes   what this process may use
 * @param cheapRecomputed  whether norms and activations are computed again
 * @param recomputedBlocks how many blocks are computed again whole
 * @param blocks           how many blocks the model has
 * @param moreProducts     operations of matrix products that are added by that, as a share of those without
 */
public record MemoryEstimate(long parameterBytes, long optimizerBytes, long activationBytes, long headBytes,
                             long referenceBytes, long passBytes, long copyBytes, long cacheBytes,
                             long generationBytes, long otherBytes, long programBytes, long availableBytes,
                             boolean cheapRecomputed, int recomputedBlocks, int blocks, double moreProducts) {
    /** Of a plan whose problems hide it. */
    public static final MemoryEstimate UNKNOWN = new MemoryEstimate(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 0, 0, 0);

    /** A system kills what takes the last of its memory, so that a little is left. */
    private static final double USABLE = 0.97;

    /** The most that is held at a time: while training, or while answers are generated before or after. */
    public long totalBytes() {
        return parameterBytes + programBytes + Math.max(trainingBytes(), answeringBytes());
    }

    /** Whether more is held while models are asked before the training, or answers generated after it, than while training. */
    public boolean generationRules() {
        return answeringBytes() > trainingBytes();
    }

    private long answeringBytes() {
        return cacheBytes + generationBytes + otherBytes;
    }

    private long trainingBytes() {
        return optimizerBytes + activationBytes + headBytes + referenceBytes + passBytes + copyBytes;
    }

    /** This estimate with the memory of generated answers. */
    MemoryEstimate withGeneration(DecodingEngine.Forecast forecast) {
        return new MemoryEstimate(parameterBytes, optimizerBytes, activationBytes, headBytes, referenceBytes, passBytes,
                copyBytes, forecast.cacheBytes(), forecast.copyBytes() + forecast.arenaBytes(), otherBytes, programBytes,
                availableBytes, cheapRecomputed, recomputedBlocks, blocks, moreProducts);
    }

    /** This estimate with other models. */
    MemoryEstimate withOthers(long bytes) {
        return new MemoryEstimate(parameterBytes, optimizerBytes, activationBytes, headBytes, referenceBytes, passBytes,
                copyBytes, cacheBytes, generationBytes, bytes, programBytes, availableBytes, cheapRecomputed, recomputedBlocks,
                blocks, moreProducts);
    }

    /**
     * This estimate with as many copies as there may be of so many bytes: half of what the rest leaves free, since other
     * programs and the system's files want memory too.
     */
    MemoryEstimate withCopies(long mostBytes) {
        long free = (long) (USABLE * availableBytes) - parameterBytes - programBytes - trainingBytes();
        return new MemoryEstimate(parameterBytes, optimizerBytes, activationBytes, headBytes, referenceBytes, passBytes,
                Math.min(mostBytes, Math.max(0, free / 2)), cacheBytes, generationBytes, otherBytes, programBytes, availableBytes,
                cheapRecomputed, recomputedBlocks, blocks, moreProducts);
    }

    /** Whether it fits into what is available. */
    public boolean fits() {
        return totalBytes() <= USABLE * availableBytes;
    }

    EngineOptions options() {
        return options(cheapRecomputed, recomputedBlocks).withCopyBytes(copyBytes);
    }

    static EngineOptions options(boolean cheapRecomputed, int recomputedBlocks) {
        return recomputedBlocks > 0 ? EngineOptions.DEFAULT.withRecomputedBlocks(recomputedBlocks)
                : cheapRecomputed ? EngineOptions.DEFAULT.withCheapRecomputed() : EngineOptions.DEFAULT;
    }
}
