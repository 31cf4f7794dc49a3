package org.finetune4j.model.family;

import java.util.List;

/** Llama 1 to 3 (arXiv 2302.13971, 2307.09288, 2407.21783) and what has its form: SmolLM 1 and 2, TinyLlama, Yi. */
final class Llama implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("llama");
    }

    @Override
    public List<String> architectures() {
        return List.of("LlamaForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        config.requireOnly("pretraining_tp", 1);
        config.requireOnly("rope_interleaved", false);
        config.requireAbsent("sliding_window");
        int hidden = config.size("hidden_size");
        Heads heads = Heads.read(config);
        int inner = config.size("intermediate_size");
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        boolean bias = config.flag("attention_bias", false);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size"), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(config.size("num_hidden_layers"), layer -> {
                    String at = "model.layers." + layer;
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias).turnedBy(rotary),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, config.activation("hidden_act", "silu"))
                                    .withBias(config.flag("mlp_bias", false)));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 2048));
    }
}
