package org.finetune4j.model.family;

import java.util.List;

/** Phi-3 to Phi-4 (arXiv 2404.14219): a Llama with query, key and value as one layer, and gate and up as another. */
final class Phi3 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("phi3");
    }

    @Override
    public List<String> architectures() {
        return List.of("Phi3ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 3072);
        int inner = config.size("intermediate_size", 8192);
        double epsilon = config.epsilon("rms_norm_eps", 1e-5);
        config.requireOnly("attention_bias", false);
        Heads heads = Heads.read(config);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000, 1, 4096);
        int window = config.whole("sliding_window", 0);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 32064), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(config.size("num_hidden_layers", 32), layer -> {
                    String at = "model.layers." + layer;
                    Linear all = Linear.of(at + ".self_attn.qkv_proj", hidden,
                            heads.queryWidth() + 2 * heads.keyValueWidth());
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.of(heads, new Projections.Fused(all, heads.queryWidth(), heads.keyValueWidth()),
                                            Linear.of(at + ".self_attn.o_proj", heads.queryWidth(), hidden))
                                    .turnedBy(rotary).within(window),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            new FeedForward.FusedGated(Linear.of(at + ".mlp.gate_up_proj", hidden, 2 * inner),
                                    Linear.of(at + ".mlp.down_proj", inner, hidden),
                                    config.activation("hidden_act", "silu")));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 4096));
    }
}
