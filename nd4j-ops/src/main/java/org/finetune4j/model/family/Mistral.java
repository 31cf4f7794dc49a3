package org.finetune4j.model.family;

import java.util.List;

/** Mistral 7B and its successors (arXiv 2310.06825): a Llama whose tokens see a sliding window. */
final class Mistral implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("mistral");
    }

    @Override
    public List<String> architectures() {
        return List.of("MistralForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 4096);
        int inner = config.size("intermediate_size", 14336);
        int layers = config.size("num_hidden_layers", 32);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 0, 8);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        // Later models say null, the first says nothing and means 4096.
        List<Integer> windows = Windows.read(config, layers, Windows.size(config), layer -> true);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 32000), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).turnedBy(rotary)
                                    .within(windows.get(layer)),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, config.activation("hidden_act", "silu")));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 131072));
    }
}
