package org.finetune4j.model.family;

import java.util.List;

/** Qwen 3 (arXiv 2505.09388): a Llama whose queries and keys are normalised head by head. */
final class Qwen3 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("qwen3");
    }

    @Override
    public List<String> architectures() {
        return List.of("Qwen3ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 4096);
        int inner = config.size("intermediate_size", 22016);
        int layers = config.size("num_hidden_layers", 32);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 128, 32);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        boolean bias = config.flag("attention_bias", false);
        List<Integer> windows = Qwen2.windows(config, layers);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 151936), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias)
                                    .withNorms(Norm.rms(at + ".self_attn.q_norm", heads.width(), epsilon),
                                            Norm.rms(at + ".self_attn.k_norm", heads.width(), epsilon))
                                    .turnedBy(rotary).within(windows.get(layer)),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, config.activation("hidden_act", "silu")));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 32768));
    }
}
