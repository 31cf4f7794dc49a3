package org.finetune4j.model.family;

import java.util.List;
import org.finetune4j.op.Activation;

/**
 * Gemma 3's text models (arXiv 2503.19786): a Gemma 2 without caps, with norms of queries and keys, five of six layers with
 * a window, and other positions in those.
 */
final class Gemma3 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("gemma3_text");
    }

    @Override
    public List<String> architectures() {
        return List.of("Gemma3ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        config.requireOnly("use_bidirectional_attention", false);
        int hidden = config.size("hidden_size", 2304);
        int inner = config.size("intermediate_size", 9216);
        int layers = config.size("num_hidden_layers", 26);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 256, 4);
        Rotary global = RotaryFields.ofType(config, "full_attention", heads.width(), config.real("rope_theta", 1e6),
                config.object("rope_scaling"));
        Rotary local = RotaryFields.ofType(config, "sliding_attention", heads.width(),
                config.real("rope_local_base_freq", 10_000), null);
        double scale = 1 / Math.sqrt(config.factor("query_pre_attn_scalar", 256));
        boolean bias = config.flag("attention_bias", false);
        Activation.Kind gate = config.activation("hidden_activation", "gelu_pytorch_tanh");
        int pattern = config.size("sliding_window_pattern", config.size("_sliding_window_pattern", 6));
        List<Integer> windows = Windows.read(config, layers, config.whole("sliding_window", 4096),
                layer -> (layer + 1) % pattern != 0);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 262208), hidden)
                .scaledBy(Math.sqrt(hidden));
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    return new Block(Block.Order.SEQUENTIAL,
                            Norm.zeroCentredRms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias)
                                    .withNorms(Norm.zeroCentredRms(at + ".self_attn.q_norm", heads.width(), epsilon),
                                            Norm.zeroCentredRms(at + ".self_attn.k_norm", heads.width(), epsilon))
                                    .turnedBy(windows.get(layer) > 0 ? local : global).scaledBy(scale)
                                    .cappedAt(config.real("attn_logit_softcapping", 0)).within(windows.get(layer)),
                            Norm.zeroCentredRms(at + ".post_attention_layernorm", hidden, epsilon),
                            Norm.zeroCentredRms(at + ".pre_feedforward_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, gate),
                            Norm.zeroCentredRms(at + ".post_feedforward_layernorm", hidden, epsilon));
                }),
                Norm.zeroCentredRms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", true), embeddings, "lm_head")
                        .cappedAt(config.real("final_logit_softcapping", 0)),
                config.size("max_position_embeddings", 131072));
    }
}
