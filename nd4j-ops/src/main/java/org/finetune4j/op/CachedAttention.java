package org.finetune4j.op;

import java.util.List;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Attention over a key-value cache, for generation: writes the new keys and values into the cache, then attends.
 *
 * <p>The caches {@code [sequences, capacity, keyValueHeads * headDimension]} are inputs that the operation changes.
 */
public final class CachedAttention extends OwnOp {
    private static final int KEY = 1;
    private static final int KEY_CACHE = 3;
    private static final int CACHE_LENGTHS = 5;
    private static final int OFFSETS = 6;
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
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return shape.operations(inputs.get(OFFSETS).toIntVector(), inputs.get(CACHE_LENGTHS).toIntVector());
    }

    /**
     * Besides what is not a cache, the places of it that are read, those of sequences with new tokens that one of these
     * sees, and those that are written, one for every new token.
     */
    @Override
    protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
        int[] offsets = inputs.get(OFFSETS).toIntVector();
        int[] lengths = inputs.get(CACHE_LENGTHS).toIntVector();
        double places = inputs.get(KEY).size(0);
        for (int s = 0; s < lengths.length; s++) {
            places += offsets[s + 1] > offsets[s] ? lengths[s] - shape.scores().firstKey(lengths[s]) : 0;
        }
        double place = 2.0 * shape.keyValueWidth() * inputs.get(KEY_CACHE).dataType().width();
        return bytes(inputs.subList(0, KEY_CACHE)) + bytes(inputs.subList(CACHE_LENGTHS, inputs.size()))
                + bytes(outputs) + places * place;
    }

    @Override
    protected void execute(Execution execution) {
        execution.kernels().cachedAttention(execution.input(0), execution.input(KEY), execution.input(2),
                execution.input(KEY_CACHE), execution.input(4), execution.input(CACHE_LENGTHS),
                execution.input(OFFSETS), shape,
                rotary == null ? null : new RotaryPositions(execution.input(POSITIONS), rotary), execution.output(0));
    }
}
