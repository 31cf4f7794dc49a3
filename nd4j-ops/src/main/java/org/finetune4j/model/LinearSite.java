package org.finetune4j.model;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A linear layer of the model while its graph is built: where an adapter may attach.
 *
 * <p>Names are Hugging Face module paths without {@code .weight}, such as {@code model.layers.0.self_attn.q_proj}.
 */
public interface LinearSite {
    /** The module path. */
    String name();

    /** The layer's input {@code [tokens, inputs]}. */
    SDVariable input();

    /** The parameter {@code name() + "." + suffix} that the adapter declared for this site. */
    SDVariable parameter(String suffix);

    /** {@code x weight^T}; x {@code [tokens, i]}, weight {@code [o, i]}. */
    SDVariable linear(SDVariable x, SDVariable weight);

    /** {@code addend + factor * x weight^T}. */
    SDVariable linearAdd(SDVariable addend, double factor, SDVariable x, SDVariable weight);

    /** {@code x} with elements dropped at this rate while training, unchanged otherwise. */
    SDVariable dropout(SDVariable x, double rate);

    /** {@code rows W^T [n, outputs]} with the layer's own weight W and rows {@code [n, inputs]}, in full precision. */
    SDVariable throughWeight(SDVariable rows);

    /** The squared Euclidean norm of every row of the layer's own weight, {@code [outputs]}, in full precision. */
    SDVariable squaredRowNorms();

    /** {@code x} in full precision: the type of masters. */
    SDVariable full(SDVariable x);

    /** {@code x} in the type of activations. */
    SDVariable rounded(SDVariable x);

    /** The value of {@code x}, through which no gradient flows. */
    SDVariable detached(SDVariable x);
}
