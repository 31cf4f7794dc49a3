package org.finetune4j.gguf;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How the tensors of a family are called in Hugging Face's checkpoints and in GGUF. */
final class GgufNames {
    private static final Pattern LAYER = Pattern.compile("(.*?)\\.?(\\d+)\\.(.+)\\.(weight|bias)");
    private static final Pattern PLAIN = Pattern.compile("(.+)\\.(weight|bias)");

    private final String layers;
    private final Map<String, String> modules;
    private final Map<String, String> inLayers;

    private GgufNames(String layers, Map<String, String> modules, Map<String, String> inLayers) {
        this.layers = layers;
        this.modules = modules;
        this.inLayers = inLayers;
    }

    /** Llama and those that followed it. */
    static GgufNames llama() {
        Map<String, String> inLayers = new HashMap<>();
        inLayers.put("input_layernorm", "attn_norm");
        for (String part : new String[] {"q", "k", "v"}) {
            inLayers.put("self_attn." + part + "_proj", "attn_" + part);
        }
        inLayers.put("self_attn.qkv_proj", "attn_qkv");
        inLayers.put("self_attn.q_norm", "attn_q_norm");
        inLayers.put("self_attn.k_norm", "attn_k_norm");
        inLayers.put("self_attn.o_proj", "attn_output");
        inLayers.put("post_attention_layernorm", "ffn_norm");
        inLayers.put("mlp.gate_proj", "ffn_gate");
        inLayers.put("mlp.up_proj", "ffn_up");
        inLayers.put("mlp.gate_up_proj", "ffn_up");
        inLayers.put("mlp.down_proj", "ffn_down");
        return new GgufNames("model.layers", Map.of("model.embed_tokens", "token_embd", "model.norm", "output_norm",
                "lm_head", "output"), inLayers);
    }

    /** With norms behind attention and feed-forward too. */
    static GgufNames normsOnBothSides() {
        GgufNames names = llama();
        names.inLayers.put("post_attention_layernorm", "post_attention_norm");
        names.inLayers.put("pre_feedforward_layernorm", "ffn_norm");
        names.inLayers.put("post_feedforward_layernorm", "post_ffw_norm");
        return names;
    }

    static GgufNames gpt2() {
        return new GgufNames("h", Map.of("wte", "token_embd", "wpe", "position_embd", "ln_f", "output_norm", "lm_head",
                "output"), Map.of("ln_1", "attn_norm", "attn.c_attn", "attn_qkv", "attn.c_proj", "attn_output", "ln_2",
                "ffn_norm", "mlp.c_fc", "ffn_up", "mlp.c_proj", "ffn_down"));
    }

    static GgufNames gptNeoX() {
        return new GgufNames("gpt_neox.layers", Map.of("gpt_neox.embed_in", "token_embd", "gpt_neox.final_layer_norm",
                "output_norm", "embed_out", "output"), Map.of("input_layernorm", "attn_norm", "attention.query_key_value",
                "attn_qkv", "attention.dense", "attn_output", "post_attention_layernorm", "ffn_norm",
                "mlp.dense_h_to_4h", "ffn_up", "mlp.dense_4h_to_h", "ffn_down"));
    }

    /** The name in GGUF, or null where the family has no such tensor. */
    @Nullable String of(String name) {
        String own = name.startsWith("transformer.") ? name.substring("transformer.".length()) : name;
        Matcher layer = LAYER.matcher(own);
        if (layer.matches()) {
            String module = inLayers.get(layer.group(3));
            return module == null || !layer.group(1).equals(layers) ? null
                    : "blk." + layer.group(2) + "." + module + "." + layer.group(4);
        }
        Matcher plain = PLAIN.matcher(own);
        String module = plain.matches() ? modules.get(plain.group(1)) : null;
        return module == null ? null : module + "." + plain.group(2);
    }
}
