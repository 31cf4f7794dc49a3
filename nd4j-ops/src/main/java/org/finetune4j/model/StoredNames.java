package org.finetune4j.model;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.checkpoint.TensorInfo;
import org.finetune4j.model.family.Families;
import org.finetune4j.model.family.Family;
import org.finetune4j.model.family.Head;
import org.finetune4j.model.family.Weight;

/**
 * The names under which a checkpoint holds a model's tensors: its own, or without the prefix that a checkpoint saved
 * without its head leaves out.
 */
public final class StoredNames {
    private static final String MEND = ". Check that config.json and the weights belong together.";
    private static final int LISTED = 5;
    /** What ends the names of a norm's tensors, and what ends them in files of BERT's first years. */
    private static final Map<String, String> FORMER_ENDS = Map.of(".LayerNorm.weight", ".LayerNorm.gamma",
            ".LayerNorm.bias", ".LayerNorm.beta");

    private final StoredWeights file;
    private final ModelConfig config;
    private final Family family;
    private final boolean bare;

    private StoredNames(StoredWeights file, ModelConfig config) {
        this.file = file;
        this.config = config;
        this.family = Families.called(config.modelType());
        this.bare = !family.prefix().isEmpty() && file.names().stream().noneMatch(name -> name.startsWith(family.prefix()));
    }

    /** The names in a file of a model of this configuration. */
    public static StoredNames in(StoredWeights file, ModelConfig config) {
        return new StoredNames(file, config);
    }

    /** The name in the file of the tensor that the model calls {@code name}. */
    public String of(String name) {
        String own = former(bare && name.startsWith(family.prefix()) ? name.substring(family.prefix().length()) : name);
        Head head = config.architecture().head();
        // A file of a tied model may hold the one tensor under either name.
        return head != null && head.tied() && name.equals(head.weight()) && !file.contains(own) && file.contains(head.own())
                ? head.own() : own;
    }

    private String former(String name) {
        for (Map.Entry<String, String> end : FORMER_ENDS.entrySet()) {
            if (name.endsWith(end.getKey()) && !file.contains(name)) {
                String former = name.substring(0, name.length() - end.getKey().length()) + end.getValue();
                return file.contains(former) ? former : name;
            }
        }
        return name;
    }

    /**
     * Refuses a file that does not hold exactly what the model needs, but for what its family is known to leave unused.
     *
     * @param origin the folder named in messages
     * @throws FinetuneException when a tensor is missing, left over or of another shape
     */
    void require(Object origin) {
        Map<String, String> left = new TreeMap<>();
        file.names().forEach(name -> left.put(name, Arrays.toString(file.info(name).shape())));
        for (Weight weight : config.architecture().weights()) {
            String name = of(weight.name());
            String shape = Arrays.toString(weight.shape());
            if (left.remove(name) == null) {
                throw new FinetuneException(origin + ": tensor '" + name + "' of shape " + shape
                        + " is missing from the weights" + MEND);
            }
            TensorInfo info = file.info(name);
            if (!Arrays.equals(info.shape(), weight.shape())) {
                throw new FinetuneException(origin + ": tensor '" + name + "' has shape " + Arrays.toString(info.shape())
                        + ", but config.json asks for " + shape + MEND);
            }
        }
        left.keySet().removeIf(this::unused);
        if (!left.isEmpty()) {
            List<String> listed = left.entrySet().stream().limit(LISTED)
                    .map(entry -> "'" + entry.getKey() + "' of shape " + entry.getValue()).toList();
            throw new FinetuneException(origin + ": the weights hold tensors that a model of this config.json does not "
                    + "have: " + String.join(", ", listed)
                    + (left.size() > LISTED ? " and " + (left.size() - LISTED) + " more" : "") + MEND);
        }
        requireOneHead(origin);
    }

    private void requireOneHead(Object origin) {
        Head head = config.architecture().head();
        if (head != null && head.tied() && file.contains(head.own()) && !file.same(of(head.weight()), head.own())) {
            throw new FinetuneException(origin + ": config.json says that the head uses the embedding's weights "
                    + "(tie_word_embeddings is true), but the weights hold both and they differ, so that one would be lost. "
                    + "Set tie_word_embeddings to false to use both, or remove " + head.own() + ".");
        }
    }

    private boolean unused(String name) {
        Head head = config.architecture().head();
        return head != null && head.tied() && name.equals(head.own())
                || family.unused().stream().anyMatch(pattern -> name.matches(pattern)
                        || bare && (family.prefix() + name).matches(pattern));
    }
}
