package org.finetune4j.model.family;

import java.util.List;

/**
 * A family of models: a declaration of how its {@code config.json} maps to blocks, norms, projections and the names of
 * their tensors in a checkpoint.
 */
public interface Family {
    /** Values of {@code model_type} that it answers to; the first is its name. */
    List<String> modelTypes();

    /** Names in {@code architectures} that it answers to; the first is written into the {@code config.json} of new models. */
    List<String> architectures();

    /**
     * The model that a configuration describes.
     *
     * @throws IllegalArgumentException when a field is missing or out of its range, or asks for what is not built
     */
    Architecture architecture(ConfigFields config);

    /** What stands before all names of a checkpoint that was saved with its head, and may be left out; empty without one. */
    default String prefix() {
        return "";
    }

    /** Regular expressions for whole names of tensors that checkpoints hold and the model does not need. */
    default List<String> unused() {
        return List.of(".*\\.rotary_emb\\.inv_freq");
    }
}
