package org.finetune4j.op;

import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** Attention over a key-value cache, for generation: writes the new keys and values into the cache, then attends.
 *
 * <p>The caches {@code [sequences, capacity, keyValueHeads * headDimension]} are inputs that the operation changes.
 */
public final class CachedAttention extends OwnOp {
    private static final int POSITIONS = 7;
    private final AttentionShape shape;
    private final @Nullable RotaryTable rotary;

    private CachedAttention(SDVariable[] inputs, AttentionShape shape, @Nullable RotaryTable rotary) {
        super(inputs);
        this.shape = shape;
        this.rotary = rotary;
    }

    /** The attended values {@code [new tokens, heads * headDimension]}. */
    public static SDVariable of(SDVariable query, SDVariable key, SDVariable value, SDVariable keyCache,
                                SDVariable valueCache, SDVariable cacheLengths, SDVariable offsets,
                                AttentionShape shape) {
        return new CachedAttention(
                new SDVariable[] {query, key, value, keyCache, valueCache, cacheLengths, offsets}, shape,
                null).outputVariable();
    }

    /** The attended values of new queries and keys turned by {@code rotary}; positions {@code [new tokens]}. */
    public static SDVariable of(SDVariable query, SDVariable key, SDVariable value, SDVariable keyCache,
                                SDVariable valueCache, SDVariable cacheLengths, SDVariable offsets,
                                SDVariable positions, RotaryTable rotary, AttentionShape shape) {
        return new CachedAttention(
                new SDVariable[] {query, key, value, keyCache, valueCache, cacheLengths, offsets, positions}, shape,
                rotary).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_cached_attention";
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().cachedAttention(execution.input(0), execution.input(1), execution.input(2),
                execution.input(3), execution.input(4), execution.input(5), execution.input(6), shape,
                rotary == null ? null : new RotaryPositions(execution.input(POSITIONS), rotary), execution.output(0));
    }
}
