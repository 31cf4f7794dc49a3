package org.finetune4j.model.family;

import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;

/** Qwen 1.5 and 2's mixtures (arXiv 2407.10671): a Qwen 2 with experts, and beside them one that all tokens share. */
final class Qwen2Moe implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("qwen2_moe");
    }

    @Override
    public List<String> architectures() {
        return List.of("Qwen2MoeForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        int hidden = config.size("hidden_size", 2048);
        int layers = config.size("num_hidden_layers", 24);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 0, 16);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        boolean bias = config.flag("qkv_bias", true);
        int first = config.whole("max_window_layers", 28);
        // Every other layer, as transformers has it, unlike in Qwen 2.
        List<Integer> windows = Windows.read(config, layers, Windows.switched(config),
                layer -> (layer + 1) % 2 != 0 && layer < first);
        int inner = config.size("shared_expert_intermediate_size", 5632);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 151936), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    FeedForward.Gated shared = FeedForward.gated(at + ".mlp.shared_expert", hidden, inner,
                            config.activation("hidden_act", "silu"));
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, false).turnedBy(rotary)
                                    .within(windows.get(layer)),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            mixture(config, layer, hidden, new Mixture(5632, 60, 4, 1408), shared));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 32768));
    }

    /** Sizes where nothing says them: width inside dense layers, number of experts, those for a token, width inside them. */
    record Mixture(int dense, int experts, int perToken, int inner) {
    }

    /** The experts of a layer, with a shared one or null, or where the layer is one of the dense ones a plain network. */
    static FeedForward mixture(ConfigFields config, int layer, int hidden, Mixture sizes,
                               FeedForward.@Nullable Gated shared) {
        String at = "model.layers." + layer + ".mlp";
        Activation.Kind gate = config.activation("hidden_act", "silu");
        List<Integer> dense = config.wholes("mlp_only_layers");
        if (dense != null && dense.contains(layer) || (layer + 1) % config.size("decoder_sparse_step", 1) != 0) {
            return FeedForward.gated(at, hidden, config.size("intermediate_size", sizes.dense()), gate);
        }
        // transformers 5 writes the second name.
        int count = config.size("num_experts", config.size("num_local_experts", sizes.experts()));
        int inner = config.size("moe_intermediate_size", sizes.inner());
        return new FeedForward.Experts(Linear.of(at + ".gate", hidden, count),
                IntStream.range(0, count).mapToObj(e -> FeedForward.gated(at + ".experts." + e, hidden, inner, gate)).toList(),
                config.size("num_experts_per_tok", sizes.perToken()), config.flag("norm_topk_prob", false), shared,
                shared == null ? null : Linear.of(at + ".shared_expert_gate", hidden, 1));
    }
}
