package org.finetune4j.model.family;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** SmolLM3 (huggingface.co/blog/smollm3): a Llama in which every fourth layer has no positions. */
final class SmolLm3 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("smollm3");
    }

    @Override
    public List<String> architectures() {
        return List.of("SmolLM3ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 2048);
        int inner = config.size("intermediate_size", 11008);
        int layers = config.size("num_hidden_layers", 36);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 0, 4);
        Rotary rotary = RotaryFields.read(config, heads.width(), 2_000_000);
        boolean bias = config.flag("attention_bias", false);
        boolean[] turned = turned(config, layers);
        int window = config.flag("use_sliding_window", false) ? config.whole("sliding_window", 0) : 0;
        List<Integer> windows = Windows.read(config, layers, window, layer -> !turned[layer]);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 128256), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    @Nullable Rotary own = turned[layer] ? rotary : null;
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias).turnedBy(own)
                                    .within(windows.get(layer)),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, config.activation("hidden_act", "silu"))
                                    .withBias(config.flag("mlp_bias", false)));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", true), embeddings, "lm_head"),
                config.size("max_position_embeddings", 32768));
    }

    /** Which layers have positions: those with a 1 in {@code no_rope_layers}, or all but every so many-th. */
    private static boolean[] turned(ConfigFields config, int layers) {
        List<Integer> given = config.wholes("no_rope_layers");
        if (given != null && given.size() < layers) {
            throw config.wrong("no_rope_layers", "a list of " + layers + " numbers, one for each layer");
        }
        int interval = config.size("no_rope_layer_interval", 4);
        boolean[] turned = new boolean[layers];
        for (int layer = 0; layer < layers; layer++) {
            turned[layer] = given == null ? (layer + 1) % interval != 0 : given.get(layer) != 0;
        }
        return turned;
    }
}
