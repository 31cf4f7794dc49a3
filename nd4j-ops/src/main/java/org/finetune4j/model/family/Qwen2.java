package org.finetune4j.model.family;

import java.util.List;

/** Qwen 2 and 2.5 (arXiv 2407.10671, 2412.15115): a Llama with biases of queries, keys and values. */
final class Qwen2 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("qwen2");
    }

    @Override
    public List<String> architectures() {
        return List.of("Qwen2ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 4096);
        int inner = config.size("intermediate_size", 22016);
        int layers = config.size("num_hidden_layers", 32);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 0, 32);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        List<Integer> windows = windows(config, layers);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 151936), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(true, false).turnedBy(rotary)
                                    .within(windows.get(layer)),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, config.activation("hidden_act", "silu")));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 32768));
    }

    /** With {@code use_sliding_window} the layers from {@code max_window_layers} on see a window. */
    static List<Integer> windows(ConfigFields config, int layers) {
        int first = config.whole("max_window_layers", 28);
        return Windows.read(config, layers, Windows.switched(config), layer -> layer >= first);
    }
}
