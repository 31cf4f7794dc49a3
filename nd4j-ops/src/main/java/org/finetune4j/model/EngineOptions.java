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
 * @param copyBytes        most bytes of copies of frozen weights that are kept while something trains, in a layout by which
 *                         gradients are multiplied faster
 */
public record EngineOptions(Set<Fusion> fusions, boolean cheapRecomputed, int recomputedBlocks, long copyBytes) {
    /** All fusions, nothing recomputed. */
    public static final EngineOptions DEFAULT = new EngineOptions(EnumSet.allOf(Fusion.class), 0);

    /** Refuses negative numbers. */
    public EngineOptions {
        if (recomputedBlocks < 0 || copyBytes < 0) {
            throw new IllegalArgumentException("recomputed blocks and bytes of copies must be at least 0, got "
                    + recomputedBlocks + " and " + copyBytes);
        }
        fusions = Set.copyOf(fusions);
        cheapRecomputed |= recomputedBlocks > 0;
    }

    /** Options in which norms and activations are computed again only where blocks are. */
    public EngineOptions(Set<Fusion> fusions, int recomputedBlocks) {
        this(fusions, false, recomputedBlocks, 0);
    }

    /** How schedules are rewritten to compute matrix products together. */
    ScheduleRewrite productFusion() {
        boolean together = fusions.contains(Fusion.LINEAR_GROUPS);
        boolean intoAdds = fusions.contains(Fusion.RESIDUAL);
        return together || intoAdds ? new ProductFusion(together, intoAdds) : ScheduleRewrite.NONE;
    }

    /** These options with other fusions. */
    public EngineOptions withFusions(Set<Fusion> chosen) {
        return new EngineOptions(chosen, cheapRecomputed, recomputedBlocks, copyBytes);
    }

    /** These options with norms and activations computed again in every block. */
    public EngineOptions withCheapRecomputed() {
        return new EngineOptions(fusions, true, recomputedBlocks, copyBytes);
    }

    /** These options with another number of recomputed blocks. */
    public EngineOptions withRecomputedBlocks(int blocks) {
        return new EngineOptions(fusions, cheapRecomputed, blocks, copyBytes);
    }

    /** These options with other copies of frozen weights. */
    public EngineOptions withCopyBytes(long bytes) {
        return new EngineOptions(fusions, cheapRecomputed, recomputedBlocks, bytes);
    }
}
