package org.finetune4j.model;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
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

    /** Hugging Face names of all weights, in the order of the model; a tied head is left out. */
    public static List<String> names(ModelConfig config) {
        return config.architecture().weights().stream().map(Weight::name).toList();
    }

    /** Names of the weights of linear layers that lie as {@code [inputs, outputs]}, as GPT-2's do. */
    public static Set<String> turnedWeights(ModelConfig config) {
        return config.architecture().weights().stream().filter(weight -> weight.role() == Weight.Role.TURNED_LINEAR)
                .map(Weight::name).collect(Collectors.toSet());
    }

    /** Names of the weights that have a row for each token: the embedding's, and that of a head of its own. */
    public static Set<String> vocabularyWeights(ModelConfig config) {
        Set<String> names = new LinkedHashSet<>(List.of(config.architecture().embeddings().tokens().weight()));
        if (config.architecture().head() != null) {
            names.add(config.architecture().head().weight());
        }
        return names;
    }

    /** Number of elements of all weights; a tied head counts once. */
    public static long parameterCount(ModelConfig config) {
        return config.architecture().weights().stream().mapToLong(Weight::count).sum();
    }
}
