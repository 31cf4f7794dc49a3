package org.finetune4j.methods.adapt;

import java.util.Map;
import org.finetune4j.methods.Fragment;
import org.finetune4j.model.LinearAdapter;

/** A parameterisation that trains while the base model's weights stay frozen. */
public interface Adapter extends Fragment {
    /** How it attaches to linear layers; refuses with an error layers that it cannot fit, such as a rank too large. */
    LinearAdapter linearAdapter();

    /**
     * Refuses a model that this adapter does not fit, before any weight is loaded.
     *
     * @param layers the shape {@code {outputs, inputs}} of every linear layer of the model by module path, such as
     *               {@code model.layers.0.self_attn.q_proj}
     * @throws org.finetune4j.FinetuneException when a target names no layer, or a layer is too small
     */
    void requireFits(Map<String, long[]> layers);
}
