package org.finetune4j.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.ModelConfig;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.Recomputation;
import org.finetune4j.op.CachedAttention;
import org.finetune4j.op.GatherRows;
import org.finetune4j.op.MatMul;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Forward passes over new tokens only, with the keys and values of earlier ones kept in a cache. */
public final class DecodingEngine implements AutoCloseable {
    private static final String LENGTHS = "cache_lengths";
    private static final String LAST_ROWS = "last_rows";
    private static final int MOST_TOKENS_PER_PASS = 2048;

    private final LanguageModel model;
    private final Arena arena = new Arena();
    private final Map<String, INDArray> parameterArrays;
    private final GraphSession session;
    private final String logits;
    private final Map<String, INDArray> caches = new HashMap<>();
    private final List<String> cacheNames = new ArrayList<>();
    private int[] lengths = new int[0];
    private int capacity;

    /** Builds the graph, with the model's adapter on or off. */
    public DecodingEngine(LanguageModel model, boolean adapterOn) {
        this(model, adapterOn, EngineOptions.DEFAULT);
    }

    /** Builds the graph, with the model's adapter on or off. */
    public DecodingEngine(LanguageModel model, boolean adapterOn, EngineOptions options) {
        this.model = model;
        ModelGraph graph = new ModelGraph(model, options);
        SDVariable offsets = graph.integers(ModelGraph.OFFSETS);
        SDVariable cacheLengths = graph.integers(LENGTHS);
        SDVariable positions = graph.integers(ModelGraph.POSITIONS);
        LlamaGraph trunk = graph.trunk((layer, query, key, value, shape, rotary) -> {
            String keys = "keys." + layer;
            String values = "values." + layer;
            cacheNames.add(keys);
            cacheNames.add(values);
            SDVariable keyCache = graph.input(keys, model.precision().type());
            SDVariable valueCache = graph.input(values, model.precision().type());
            return rotary == null
                    ? CachedAttention.of(query, key, value, keyCache, valueCache, cacheLengths, offsets, shape)
                    : CachedAttention.of(query, key, value, keyCache, valueCache, cacheLengths, offsets, positions, rotary,
                            shape);
        }, adapterOn);
        SDVariable hidden = trunk.hidden(graph.integers(ModelGraph.IDS), positions);
        SDVariable last = GatherRows.of(hidden, graph.integers(LAST_ROWS));
        logits = MatMul.of(last, false, trunk.headWeight(), true, 1, model.precision().masterType(), null).name();
        parameterArrays = graph.parameterArrays();
        session = new GraphSession(graph.graph(), model.kernels(), arena, List.of(logits), Map.of(), Map.of(),
                Recomputation.NONE, options.productFusion());
    }

    /**
     * Starts texts anew.
     *
     * @param sequences texts in the cache
     * @param places    tokens that each may come to have, prompt and continuation together
     */
    public void begin(int sequences, int places) {
        lengths = new int[sequences];
        capacity = places;
        ModelConfig config = model.config();
        long[] shape = {sequences, places, (long) config.keyValueHeads() * config.headDimension()};
        for (String name : cacheNames) {
            INDArray known = caches.get(name);
            if (known == null || !Arrays.equals(known.shape(), shape)) {
                if (known != null) {
                    known.close();
                }
                caches.put(name, Nd4j.createUninitialized(model.precision().type(), shape));
            }
        }
    }

    /**
     * Feeds new tokens.
     *
     * @param slots  which texts of the cache, ascending
     * @param tokens the new tokens of each, at least one
     * @return the logits {@code [slots][vocabulary]} after the last new token of each
     */
    public float[][] step(List<Integer> slots, List<int[]> tokens) {
        float[][] results = new float[slots.size()][];
        int begin = 0;
        while (begin < slots.size()) {
            int end = begin;
            int count = 0;
            do {
                count += tokens.get(end++).length;
            } while (end < slots.size() && count + tokens.get(end).length <= MOST_TOKENS_PER_PASS);
            pass(slots.subList(begin, end), tokens.subList(begin, end), count, results, begin);
            begin = end;
        }
        return results;
    }

    private void pass(List<Integer> slots, List<int[]> tokens, int count, float[][] results, int first) {
        int[] ids = new int[count];
        int[] positions = new int[count];
        int[] offsets = new int[lengths.length + 1];
        int[] lastRows = new int[slots.size()];
        int row = 0;
        int next = 0;
        for (int slot = 0; slot < lengths.length; slot++) {
            offsets[slot] = row;
            if (next < slots.size() && slots.get(next) == slot) {
                int[] added = tokens.get(next);
                if (lengths[slot] + added.length > capacity) {
                    throw new IllegalArgumentException("text " + slot + " outgrows its " + capacity + " places");
                }
                for (int i = 0; i < added.length; i++) {
                    ids[row] = added[i];
                    positions[row++] = lengths[slot] + i;
                }
                lastRows[next++] = row - 1;
            }
        }
        offsets[lengths.length] = row;
        Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
        inputs.putAll(caches);
        inputs.put(ModelGraph.IDS, Nd4j.createFromArray(ids));
        inputs.put(ModelGraph.POSITIONS, Nd4j.createFromArray(positions));
        inputs.put(ModelGraph.OFFSETS, Nd4j.createFromArray(offsets));
        inputs.put(LENGTHS, Nd4j.createFromArray(lengths));
        inputs.put(LAST_ROWS, Nd4j.createFromArray(lastRows));
        INDArray rows = session.run(inputs, Map.of()).get(logits);
        for (int i = 0; i < slots.size(); i++) {
            results[first + i] = row(rows, i);
            lengths[slots.get(i)] += tokens.get(i).length;
        }
    }

    private static float[] row(INDArray rows, int index) {
        return rows.getRow(index).toFloatVector();
    }

    @Override
    public void close() {
        caches.values().forEach(INDArray::close);
        caches.clear();
        arena.close();
    }
}
