package org.finetune4j.model;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** A small trainable parameterisation that changes the output of linear layers whose weights are frozen. */
public interface LinearAdapter {
    /**
     * The parameters that this adapter adds to one linear layer; empty when it does not attach there.
     *
     * @param site    module path, such as {@code model.layers.0.self_attn.q_proj}
     * @param inputs  width of the layer's input
     * @param outputs width of the layer's output
     */
    List<ParameterSpec> parameters(String site, long inputs, long outputs);

    /** The adapted output, given the layer's own output {@code base [tokens, outputs]}; called only where it attaches. */
    SDVariable adapt(LinearSite site, SDVariable base);
}
