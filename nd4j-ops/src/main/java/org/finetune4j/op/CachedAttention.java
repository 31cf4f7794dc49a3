package org.finetune4j.op;

import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.AttentionShape;
import org.nd4j.autodiff.samediff.SDVariable;

/** Attention over a key-value cache, for generation: writes the new keys and values into the cache, then attends.
 *
 * <p>The caches {@code [sequences, capacity, keyValueHeads * headDimension]} are inputs that the operation changes.
 */
public final class CachedAttention extends OwnOp {
    private final AttentionShape shape;

    private CachedAttention(SDVariable[] inputs, AttentionShape shape) {
        super(inputs);
        this.shape = shape;
    }

    /** The attended values {@code [new tokens, heads * headDimension]}. */
    public static SDVariable of(SDVariable query, SDVariable key, SDVariable value, SDVariable keyCache,
                                SDVariable valueCache, SDVariable cacheLengths, SDVariable offsets,
                                AttentionShape shape) {
        return new CachedAttention(
                new SDVariable[] {query, key, value, keyCache, valueCache, cacheLengths, offsets}, shape).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_cached_attention";
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().cachedAttention(execution.input(0), execution.input(1), execution.input(2),
                execution.input(3), execution.input(4), execution.input(5), execution.input(6), shape,
                execution.output(0));
    }
}
