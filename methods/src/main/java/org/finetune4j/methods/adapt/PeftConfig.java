package org.finetune4j.methods.adapt;

import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code adapter_config.json} of Hugging Face's PEFT says of every low-rank adapter of a causal language model. */
final class PeftConfig {
    private PeftConfig() {
    }

    /**
     * The whole content.
     *
     * @param layers what it says of layers, ranks and alphas
     */
    static Map<String, Object> of(String baseModel, LowRank lowRank, Map<String, Object> layers) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("peft_type", "LORA");
        config.put("task_type", "CAUSAL_LM");
        config.put("base_model_name_or_path", baseModel);
        config.put("inference_mode", true);
        config.putAll(layers);
        config.put("lora_dropout", lowRank.dropout());
        config.put("bias", "none");
        config.put("lora_bias", false);
        config.put("modules_to_save", null);
        config.put("fan_in_fan_out", false);
        config.put("init_lora_weights", true);
        config.put("use_rslora", lowRank.rooted());
        config.put("use_dora", lowRank.rescaled());
        return config;
    }
}
