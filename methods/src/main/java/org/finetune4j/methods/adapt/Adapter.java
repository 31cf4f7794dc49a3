package org.finetune4j.methods.adapt;

import java.util.Collection;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Fragment;
import org.finetune4j.model.LinearAdapter;
import org.nd4j.linalg.api.ndarray.INDArray;

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

    /**
     * A new weight that gives what the layer gives with this adapter, formed in FLOAT or wider; {@code weight} is left as
     * it is. To undo a merge, go back to {@code weight}: subtracting would not restore its bits.
     *
     * @param site      module path of a layer that the adapter is attached to
     * @param weight    the layer's own weight {@code [outputs, inputs]}
     * @param parameter the adapter's trained parameter by what follows the site and a dot in its name
     * @return in the type of {@code weight}
     * @throws FinetuneException when adapters of this kind cannot be merged
     */
    default INDArray merged(String site, INDArray weight, Function<String, INDArray> parameter) {
        throw new FinetuneException("the adapter " + method().name() + " cannot be merged into the weights. Save it alone "
                + "with saveAdapter.");
    }

    /**
     * The content of {@code adapter_config.json} by which Hugging Face's PEFT reads this adapter.
     *
     * @param baseModel path or name of the base model
     * @param sites     module paths of the layers that the adapter is attached to
     * @throws FinetuneException when PEFT has no adapters of this kind
     */
    default Map<String, Object> peftConfig(String baseModel, Collection<String> sites) {
        throw new FinetuneException("PEFT has no layout for the adapter " + method().name() + ".");
    }
}
