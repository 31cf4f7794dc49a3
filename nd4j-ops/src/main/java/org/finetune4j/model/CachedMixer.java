package org.finetune4j.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.CachedAttention;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Attention of new tokens to those in a cache, whose arrays are inputs of the graph. */
final class CachedMixer implements Trunk.Mixer {
    /** How many places of each text are taken before a pass, {@code [slots]}. */
    static final String LENGTHS = "cache_lengths";

    private final ModelGraph graph;
    private final DataType type;
    private final SDVariable lengths;
    private final SDVariable offsets;
    private final SDVariable positions;
    private final Map<String, Integer> widths = new LinkedHashMap<>();

    CachedMixer(ModelGraph graph, DataType type) {
        this.graph = graph;
        this.type = type;
        offsets = graph.integers(ModelGraph.OFFSETS);
        lengths = graph.integers(LENGTHS);
        positions = graph.integers(ModelGraph.POSITIONS);
    }

    /** Width of the keys or values of one token, by the name of their cache; whole when the graph is. */
    Map<String, Integer> widths() {
        return widths;
    }

    @Override
    public SDVariable mix(int layer, SDVariable query, SDVariable key, SDVariable value, AttentionShape shape,
                          @Nullable RotaryTable rotary) {
        String keys = "keys." + layer;
        String values = "values." + layer;
        widths.put(keys, shape.keyValueWidth());
        widths.put(values, shape.keyValueWidth());
        SDVariable keyCache = graph.input(keys, type);
        SDVariable valueCache = graph.input(values, type);
        return rotary == null
                ? CachedAttention.of(query, key, value, keyCache, valueCache, lengths, offsets, shape)
                : CachedAttention.of(query, key, value, keyCache, valueCache, lengths, offsets, positions, rotary, shape);
    }
}
