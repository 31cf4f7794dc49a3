package org.finetune4j.model.family;

import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.op.Activation;

/** Mixtral (arXiv 2401.04088): a Mistral whose feed-forward is a mixture of experts. */
final class Mixtral implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("mixtral");
    }

    @Override
    public List<String> architectures() {
        return List.of("MixtralForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        config.requireOnly("router_jitter_noise", 0);
        int hidden = config.size("hidden_size", 4096);
        int inner = config.size("intermediate_size", 14336);
        int count = config.size("num_local_experts", 8);
        int perToken = config.size("num_experts_per_tok", 2);
        double epsilon = config.epsilon("rms_norm_eps", 1e-5);
        Heads heads = Heads.read(config, 0, 8);
        Rotary rotary = RotaryFields.read(config, heads.width(), 1_000_000);
        int window = config.whole("sliding_window", 0);
        Activation.Kind gate = config.activation("hidden_act", "silu");
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 32000), hidden);
        return new Architecture(embeddings,
                Architecture.blocks(config.size("num_hidden_layers", 32), layer -> {
                    String at = "model.layers." + layer;
                    String moe = at + ".block_sparse_moe";
                    return Block.sequential(
                            Norm.rms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).turnedBy(rotary).within(window),
                            Norm.rms(at + ".post_attention_layernorm", hidden, epsilon),
                            new FeedForward.Experts(Linear.of(moe + ".gate", hidden, count), IntStream.range(0, count)
                                    .mapToObj(e -> expert(moe + ".experts." + e, hidden, inner, gate)).toList(),
                                    perToken, true, null, null));
                }),
                Norm.rms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", false), embeddings, "lm_head"),
                config.size("max_position_embeddings", 131072));
    }

    private static FeedForward.Gated expert(String at, int hidden, int inner, Activation.Kind activation) {
        return new FeedForward.Gated(Linear.of(at + ".w1", hidden, inner), Linear.of(at + ".w3", hidden, inner),
                Linear.of(at + ".w2", inner, hidden), activation);
    }
}
