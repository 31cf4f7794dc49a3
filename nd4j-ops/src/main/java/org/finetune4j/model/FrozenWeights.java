package org.finetune4j.model;

/** How the weights of linear layers that do not train are kept in memory. */
public enum FrozenWeights {
    /** In the type of activations. */
    AS_ACTIVATIONS,
    /**
     * As signed bytes with a FLOAT scale for each output channel, {@code weight[o] = scales[o] * bytes[o]} with
     * {@code scales[o] = max |weight[o]| / 127}: half the memory of bfloat16. Embeddings, head and norms stay as they are.
     */
    INT8
}
