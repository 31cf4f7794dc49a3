package org.finetune4j.model.family;

import java.util.List;

/**
 * GPT-NeoX and Pythia (arXiv 2204.06745, 2304.01373): partly turned heads, attention and feed-forward side by side, and
 * query, key and value of one head after another in one layer.
 */
final class GptNeoX implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("gpt_neox");
    }

    @Override
    public List<String> architectures() {
        return List.of("GPTNeoXForCausalLM");
    }

    @Override
    public List<String> unused() {
        return List.of("gpt_neox\\.layers\\.\\d+\\.attention\\.(bias|masked_bias|rotary_emb\\.inv_freq)");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 6144);
        int inner = config.size("intermediate_size", 24576);
        double epsilon = config.epsilon("layer_norm_eps", 1e-5);
        Heads heads = Heads.divide(config, "hidden_size", "num_attention_heads");
        Rotary rotary = RotaryFields.read(config, heads.width(), config.real("rotary_emb_base", 10_000),
                config.real("rotary_pct", 0.25));
        boolean bias = config.flag("attention_bias", true);
        Block.Order order = config.flag("use_parallel_residual", true) ? Block.Order.PARALLEL : Block.Order.SEQUENTIAL;
        Embeddings embeddings = Embeddings.of("gpt_neox.embed_in", config.size("vocab_size", 50432), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(config.size("num_hidden_layers", 44), layer -> {
                    String at = "gpt_neox.layers." + layer;
                    Linear all = Linear.of(at + ".attention.query_key_value", hidden, 3 * hidden);
                    return new Block(order,
                            Norm.layer(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.of(heads, new Projections.Fused(all, heads.width(), heads.width()),
                                            Linear.of(at + ".attention.dense", hidden, hidden))
                                    .withBias(bias, bias).turnedBy(rotary),
                            null,
                            Norm.layer(at + ".post_attention_layernorm", hidden, epsilon),
                            new FeedForward.Plain(Linear.of(at + ".mlp.dense_h_to_4h", hidden, inner).withBias(true),
                                    Linear.of(at + ".mlp.dense_4h_to_h", inner, hidden).withBias(true),
                                    config.activation("hidden_act", "gelu")),
                            null);
                }),
                Norm.layer("gpt_neox.final_layer_norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "embed_out"),
                config.size("max_position_embeddings", 2048));
    }
}
