package org.finetune4j.model.family;

import java.util.List;
import org.finetune4j.op.Activation;

/** Gemma 1 (arXiv 2403.08295): scaled embeddings, norms stored less one, and a GELU gate. */
final class Gemma implements Family {
    private static final String TANH = "gelu_pytorch_tanh";

    @Override
    public List<String> modelTypes() {
        return List.of("gemma");
    }

    @Override
    public List<String> architectures() {
        return List.of("GemmaForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        config.requireOnly("use_bidirectional_attention", false);
        int hidden = config.size("hidden_size", 3072);
        int inner = config.size("intermediate_size", 24576);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 256, 16);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        boolean bias = config.flag("attention_bias", false);
        Activation.Kind gate = gate(config);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 256000), hidden)
                .scaledBy(Math.sqrt(hidden));
        return new Architecture(embeddings,
                Architecture.blocks(config.size("num_hidden_layers", 28), layer -> {
                    String at = "model.layers." + layer;
                    return Block.sequential(
                            Norm.zeroCentredRms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias).turnedBy(rotary),
                            Norm.zeroCentredRms(at + ".post_attention_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, gate));
                }),
                Norm.zeroCentredRms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", true), embeddings, "lm_head"),
                config.size("max_position_embeddings", 8192));
    }

    /** {@code hidden_activation}; without it {@code hidden_act}, whose "gelu" in the first files means the tanh form. */
    private static Activation.Kind gate(ConfigFields config) {
        if (!config.has("hidden_activation") && !List.of("gelu", TANH).contains(config.text("hidden_act", TANH))) {
            throw config.notBuilt("hidden_act");
        }
        return config.activation("hidden_activation", TANH);
    }
}
