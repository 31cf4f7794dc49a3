package org.finetune4j.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.model.family.Weight;

/** What the configuration of a model alone tells of its weights. */
public final class ModelShapes {
    /** The target that names every linear layer of a model but its head. */
    public static final String ALL_LINEAR = "all-linear";

    private ModelShapes() {
    }

    /**
     * Whether an adapter's target names a linear layer: its segments stand one after another, whole, in the module path, or
     * it is {@value #ALL_LINEAR}.
     *
     * @param target such as {@code q_proj} or {@code layers.2}, which is not {@code layers.21}
     * @param site   the module path
     */
    public static boolean names(String target, String site) {
        return target.equals(ALL_LINEAR) || ("." + site + ".").contains("." + target + ".");
    }

    /** The shape {@code {outputs, inputs}} of every linear layer to which adapters may attach, by module path. */
    public static Map<String, long[]> linearLayers(ModelConfig config) {
        Map<String, long[]> layers = new LinkedHashMap<>();
        for (Weight weight : config.architecture().weights()) {
            if (weight.linear()) {
                layers.put(weight.site(), new long[] {weight.outputs(), weight.inputs()});
            }
        }
        return layers;
    }

    /** Number of elements of all weights; a tied head counts once. */
    public static long parameterCount(ModelConfig config) {
        return config.architecture().weights().stream().mapToLong(Weight::count).sum();
    }
}
