package org.finetune4j.model.family;

import java.util.List;

/** OLMo 2 (arXiv 2501.00656): norms behind attention and feed-forward instead of before, and of all queries and keys. */
final class Olmo2 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("olmo2");
    }

    @Override
    public List<String> architectures() {
        return List.of("Olmo2ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 4096);
        int inner = config.size("intermediate_size", 11008);
        double epsilon = config.epsilon("rms_norm_eps", 1e-5);
        Heads heads = Heads.read(config);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        boolean bias = config.flag("attention_bias", false);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 50304), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(config.size("num_hidden_layers", 32), layer -> {
                    String at = "model.layers." + layer;
                    return new Block(Block.Order.SEQUENTIAL,
                            null,
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias)
                                    .withNorms(Norm.rms(at + ".self_attn.q_norm", heads.queryWidth(), epsilon),
                                            Norm.rms(at + ".self_attn.k_norm", heads.keyValueWidth(), epsilon))
                                    .turnedBy(rotary),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            null,
                            FeedForward.gated(at + ".mlp", hidden, inner, config.activation("hidden_act", "silu")),
                            Norm.rms(at + ".post_feedforward_layernorm", hidden, epsilon));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 2048));
    }
}
