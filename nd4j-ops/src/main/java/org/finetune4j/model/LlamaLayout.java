package org.finetune4j.model;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.checkpoint.ModelConfig;

/** Names and shapes of the weights of a Llama model in a Hugging Face checkpoint. */
final class LlamaLayout {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

    /** A weight; {@code linear} when it is the weight of a linear layer to which adapters may attach. */
    record Weight(String name, long[] shape, boolean linear) {
        boolean norm() {
            return shape.length == 1;
        }

        /** The module path: the name without {@code .weight}. */
        String site() {
            return name.substring(0, name.length() - ".weight".length());
        }
    }

    private LlamaLayout() {
    }

    static String layer(int index, String module) {
        return "model.layers." + index + "." + module;
    }

    static List<Weight> weights(ModelConfig config) {
        long hidden = config.hiddenSize();
        long query = (long) config.heads() * config.headDimension();
        long keyValue = (long) config.keyValueHeads() * config.headDimension();
        long inner = config.intermediateSize();
        List<Weight> weights = new ArrayList<>();
        weights.add(new Weight(EMBEDDING, new long[] {config.vocabularySize(), hidden}, false));
        for (int i = 0; i < config.layers(); i++) {
            weights.add(norm(layer(i, "input_layernorm"), hidden));
            weights.add(linear(layer(i, "self_attn.q_proj"), query, hidden));
            weights.add(linear(layer(i, "self_attn.k_proj"), keyValue, hidden));
            weights.add(linear(layer(i, "self_attn.v_proj"), keyValue, hidden));
            weights.add(linear(layer(i, "self_attn.o_proj"), hidden, query));
            weights.add(norm(layer(i, "post_attention_layernorm"), hidden));
            weights.add(linear(layer(i, "mlp.gate_proj"), inner, hidden));
            weights.add(linear(layer(i, "mlp.up_proj"), inner, hidden));
            weights.add(linear(layer(i, "mlp.down_proj"), hidden, inner));
        }
        weights.add(norm("model.norm", hidden));
        if (!config.tieWordEmbeddings()) {
            weights.add(new Weight(HEAD, new long[] {config.vocabularySize(), hidden}, false));
        }
        return weights;
    }

    private static Weight linear(String site, long outputs, long inputs) {
        return new Weight(site + ".weight", new long[] {outputs, inputs}, true);
    }

    private static Weight norm(String module, long width) {
        return new Weight(module + ".weight", new long[] {width}, false);
    }
}
