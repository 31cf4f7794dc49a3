package org.finetune4j.methods.adapt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.StrictJson;

/** Reads a folder that PEFT or this library saved a low-rank adapter to; whatever would change the numbers is refused. */
final class PeftFolder {
    static final String CONFIG = "adapter_config.json";
    static final String WEIGHTS = "adapter_model.safetensors";

    private static final long MAXIMUM_BYTES = 10_000_000;
    private static final Set<String> UNDERSTOOD = Set.of("peft_type", "task_type", "r", "lora_alpha", "lora_dropout",
            "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern",
            "use_rslora", "use_dora", "init_lora_weights");
    /** They say where an adapter comes from or how it began; {@code fan_in_fan_out} is how the base lies in PyTorch. */
    private static final Set<String> HARMLESS = Set.of("auto_mapping", "base_model_name_or_path", "revision",
            "inference_mode", "peft_version", "fan_in_fan_out", "eva_config", "corda_config", "lora_ga_config",
            "loftq_config", "runtime_config", "megatron_core", "qalora_group_size", "ensure_weight_tying");
    /** Beginnings that take something away from the base's own weights. */
    private static final Set<String> CHANGING = Set.of("pissa", "olora", "corda", "loftq", "lora_ga");

    private PeftFolder() {
    }

    /** The content of {@code adapter_config.json}, checked. */
    static ObjectNode config(Path folder) {
        Path file = folder.resolve(CONFIG);
        ObjectNode config = StrictJson.readObject(file, MAXIMUM_BYTES);
        if (!config.path("peft_type").asText().equals("LORA")) {
            throw new CheckpointException(file, "peft_type is " + config.path("peft_type")
                    + ", but only adapters of type LORA (with or without DoRA and rsLoRA) are read",
                    "Merge the adapter with PEFT and use the merged model");
        }
        if (!Set.of("", "null", "CAUSAL_LM").contains(config.path("task_type").asText())) {
            throw new CheckpointException(file, "task_type is " + config.path("task_type")
                    + ", but only adapters of causal language models are read", "Choose an adapter of type CAUSAL_LM");
        }
        String beginning = config.path("init_lora_weights").asText();
        if (CHANGING.stream().anyMatch(beginning::startsWith)) {
            throw new CheckpointException(file, "init_lora_weights is '" + beginning
                    + "', which changes the base's own weights as well", "Save the adapter again with PEFT's "
                    + "save_pretrained(..., path_initial_model_for_weight_conversion=...), which makes it a plain one");
        }
        for (Map.Entry<String, JsonNode> field : config.properties()) {
            if (!UNDERSTOOD.contains(field.getKey()) && !HARMLESS.contains(field.getKey()) && says(field.getValue())) {
                throw new CheckpointException(file, "'" + field.getKey() + "' is " + field.getValue()
                        + ", which is not supported", "Train without it, or merge the adapter with PEFT and use the "
                        + "merged model");
            }
        }
        return config;
    }

    /** Whether a field turns something on. */
    private static boolean says(JsonNode value) {
        return !(value.isNull() || value.isBoolean() && !value.booleanValue() || value.isContainerNode() && value.isEmpty()
                || value.isTextual() && Set.of("", "none").contains(value.textValue()));
    }

    /** The adapter that a configuration describes. */
    static LowRank lowRank(ObjectNode config, Path folder) {
        Path file = folder.resolve(CONFIG);
        JsonNode dropout = config.path("lora_dropout");
        double rate = dropout.asDouble(0);
        if (!dropout.isMissingNode() && !dropout.isNumber() || !(rate >= 0 && rate < 1)) {
            throw new CheckpointException(file, "lora_dropout is " + dropout + ", but must be at least 0 and below 1",
                    "Restore the file from where the adapter came from");
        }
        return new LowRank(SavedAdapter.METHOD.name() + " " + folder, new PeftSites(config, file),
                config.path("use_rslora").asBoolean(), rate, config.path("use_dora").asBoolean());
    }

    /** The weights, open. */
    static SafetensorsFile weights(Path folder) {
        Path file = folder.resolve(WEIGHTS);
        Path pickle = folder.resolve("adapter_model.bin");
        return SafetensorsFile.open(!Files.exists(file) && Files.exists(pickle) ? pickle : file);
    }
}
