package org.finetune4j.model.family;

import java.util.List;
import org.finetune4j.op.Activation;

/** Gemma 2 (arXiv 2408.00118): a Gemma with norms on both sides, capped scores and logits, and a window in every other layer. */
final class Gemma2 implements Family {
    @Override
    public List<String> modelTypes() {
        return List.of("gemma2");
    }

    @Override
    public List<String> architectures() {
        return List.of("Gemma2ForCausalLM");
    }

    @Override
    public Architecture architecture(ConfigFields config) {
        config.requireOnly("use_bidirectional_attention", false);
        int hidden = config.size("hidden_size", 2304);
        int inner = config.size("intermediate_size", 9216);
        int layers = config.size("num_hidden_layers", 26);
        double epsilon = config.epsilon("rms_norm_eps", 1e-6);
        Heads heads = Heads.read(config, 256, 4);
        Rotary rotary = RotaryFields.read(config, heads.width(), 10_000);
        double scale = 1 / Math.sqrt(config.factor("query_pre_attn_scalar", 256));
        double scoreCap = config.mentions("attn_logit_softcapping") ? config.real("attn_logit_softcapping", 0) : 50;
        double logitCap = config.mentions("final_logit_softcapping") ? config.real("final_logit_softcapping", 0) : 30;
        boolean bias = config.flag("attention_bias", false);
        Activation.Kind gate = config.activation("hidden_activation", "gelu_pytorch_tanh");
        List<Integer> windows = Windows.read(config, layers, config.whole("sliding_window", 4096), layer -> layer % 2 == 0);
        Embeddings embeddings = Embeddings.of("model.embed_tokens", config.size("vocab_size", 256000), hidden)
                .scaledBy(Math.sqrt(hidden));
        return new Architecture(embeddings,
                Architecture.blocks(layers, layer -> {
                    String at = "model.layers." + layer;
                    return new Block(Block.Order.SEQUENTIAL,
                            Norm.zeroCentredRms(at + ".input_layernorm", hidden, epsilon),
                            SelfAttention.separate(at + ".self_attn", hidden, heads).withBias(bias, bias).turnedBy(rotary)
                                    .scaledBy(scale).cappedAt(scoreCap).within(windows.get(layer)),
                            Norm.zeroCentredRms(at + ".post_attention_layernorm", hidden, epsilon),
                            Norm.zeroCentredRms(at + ".pre_feedforward_layernorm", hidden, epsilon),
                            FeedForward.gated(at + ".mlp", hidden, inner, gate),
                            Norm.zeroCentredRms(at + ".post_feedforward_layernorm", hidden, epsilon));
                }),
                Norm.zeroCentredRms("model.norm", hidden, epsilon),
                Head.of(config.flag("tie_word_embeddings", true), embeddings, "lm_head").cappedAt(logitCap),
                config.size("max_position_embeddings", 8192));
    }
}
