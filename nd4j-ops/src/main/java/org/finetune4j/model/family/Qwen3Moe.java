package org.finetune4j.model.family;

import java.util.List;

/** Qwen 3's mixtures (arXiv 2505.09388): a Qwen 3 with experts and none that is shared. */
final class Qwen3Moe implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("qwen3_moe");
    }

    @Override
    public List<String> architectures() {
        return List.of("Qwen3MoeForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 2048);
        int layers = config.size("num_hidden_layers", 24);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 0, 4);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        boolean bias = config.flag("attention_bias", false);
        int window = Windows.switched(config);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 151936), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias)
                                    .withNorms(Norm.rms(at + ".self_attn.q_norm", heads.width(), epsilon),
                                            Norm.rms(at + ".self_attn.k_norm", heads.width(), epsilon))
                                    .turnedBy(rotary).within(window),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            Qwen2Moe.mixture(config, layer, hidden, new Qwen2Moe.Mixture(6144, 128, 8, 768), null));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 32768));
    }
}
