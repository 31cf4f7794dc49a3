package org.finetune4j.model.family;

import java.util.List;

/**
 * GPT-2 (Radford et al. 2019, Language Models are Unsupervised Multitask Learners): learned positions, layer norms, biases
 * everywhere, and weights stored as {@code [inputs, outputs]}. Its dropout is for pretraining and not applied.
 */
final class Gpt2 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("gpt2");
    }

    @Override
    public List<String> architectures() {
        return List.of("GPT2LMHeadModel");
    }

    @Override
    public String prefix() {
        return "transformer.";
    }

    @Override
    public List<String> unused() {
        return List.of("transformer\\.h\\.\\d+\\.attn\\.(bias|masked_bias)");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        config.requireOnly("scale_attn_weights", true);
        config.requireOnly("scale_attn_by_inverse_layer_idx", false);
        config.requireOnly("add_cross_attention", false);
        int hidden = config.size("n_embd", 768);
        int inner = config.size("n_inner", 4 * hidden);
        int positions = config.size("n_positions", 1024);
        double epsilon = config.epsilon("layer_norm_epsilon", 1e-5);
        Heads heads = Heads.divide(config, "n_embd", "n_head");
        Embeddings embeddings = Embeddings.of("transformer.wte", config.size("vocab_size", 50257), hidden)
                .withPositions("transformer.wpe", positions, 0);
        return new Architecture(embeddings,
                Architecture.blocks(config.size("n_layer", 12), layer -> {
                    String at = "transformer.h." + layer;
                    return Block.sequential(
                            Norm.layer(at + ".ln_1", hidden, epsilon),
                            SelfAttention.of(heads, new Projections.Fused(
                                            turned(at + ".attn.c_attn", hidden, 3 * hidden), hidden, hidden),
                                    turned(at + ".attn.c_proj", hidden, hidden)),
                            Norm.layer(at + ".ln_2", hidden, epsilon),
                            new FeedForward.Plain(turned(at + ".mlp.c_fc", hidden, inner),
                                    turned(at + ".mlp.c_proj", inner, hidden),
                                    config.activation("activation_function", "gelu_new")));
                }),
                Norm.layer("transformer.ln_f", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", true), embeddings, "lm_head"),
                positions);
    }

    private static Linear turned(String site, int inputs, int outputs) {
        return Linear.of(site, inputs, outputs).withTurnedWeight().withBias(true);
    }
}
