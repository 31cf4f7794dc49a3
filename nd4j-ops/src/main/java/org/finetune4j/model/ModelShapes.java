package org.finetune4j.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.checkpoint.ModelConfig;

/** What the configuration of a model alone tells of its weights. */
public final class ModelShapes {
    private ModelShapes() {
    }

    /** The shape {@code {outputs, inputs}} of every linear layer to which adapters may attach, by module path. */
    public static Map<String, long[]> linearLayers(ModelConfig config) {
        Map<String, long[]> layers = new LinkedHashMap<>();
        for (LlamaLayout.Weight weight : LlamaLayout.weights(config)) {
            if (weight.linear()) {
                layers.put(weight.site(), weight.shape());
            }
        }
        return layers;
    }

    /** Number of elements of all weights; a tied head counts once. */
    public static long parameterCount(ModelConfig config) {
        long count = 0;
        for (LlamaLayout.Weight weight : LlamaLayout.weights(config)) {
            long elements = 1;
            for (long extent : weight.shape()) {
                elements *= extent;
            }
            count += elements;
        }
        return count;
    }
}
