package org.finetune4j.model;

import java.util.EnumSet;
import java.util.Set;
import org.finetune4j.graph.ScheduleRewrite;
import org.finetune4j.op.ProductFusion;

/**
 * How an engine computes a model; no choice changes the result by more than rounding.
 *
 * @param fusions          which operations are computed together
 * @param cheapRecomputed  whether norms and activations of every block are computed again for the reverse pass, which
 *                         costs little time; always so where blocks are recomputed
 * @param recomputedBlocks how many blocks, from the first on, keep only their input for the reverse pass and compute
 *                         their inner activations again there; 0 keeps everything, more than the model has means all
 */
public record EngineOptions(Set<Fusion> fusions, boolean cheapRecomputed, int recomputedBlocks) {
    /** All fusions, nothing recomputed. */
    public static final EngineOptions DEFAULT = new EngineOptions(EnumSet.allOf(Fusion.class), 0);

    /** Refuses a negative number of blocks. */
    public EngineOptions {
        if (recomputedBlocks < 0) {
            throw new IllegalArgumentException("recomputed blocks must be at least 0, got " + recomputedBlocks);
        }
        fusions = Set.copyOf(fusions);
        cheapRecomputed |= recomputedBlocks > 0;
    }

    /** Options in which norms and activations are computed again only where blocks are. */
    public EngineOptions(Set<Fusion> fusions, int recomputedBlocks) {
        this(fusions, false, recomputedBlocks);
    }

    /** How schedules are rewritten to compute matrix products together. */
    ScheduleRewrite productFusion() {
        boolean together = fusions.contains(Fusion.LINEAR_GROUPS);
        boolean intoAdds = fusions.contains(Fusion.RESIDUAL);
        return together || intoAdds ? new ProductFusion(together, intoAdds) : ScheduleRewrite.NONE;
    }

    /** These options with other fusions. */
    public EngineOptions withFusions(Set<Fusion> chosen) {
        return new EngineOptions(chosen, cheapRecomputed, recomputedBlocks);
    }

    /** These options with norms and activations computed again in every block. */
    public EngineOptions withCheapRecomputed() {
        return new EngineOptions(fusions, true, recomputedBlocks);
    }

    /** These options with another number of recomputed blocks. */
    public EngineOptions withRecomputedBlocks(int blocks) {
        return new EngineOptions(fusions, cheapRecomputed, blocks);
    }
}
