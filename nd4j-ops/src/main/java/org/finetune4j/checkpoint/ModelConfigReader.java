package org.finetune4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** Reads the fields of a {@code config.json}, refusing every option that would change a number and is not built. */
final class ModelConfigReader {
    private static final String ARCHITECTURE = "LlamaForCausalLM";
    private static final String MODEL_TYPE = "llama";
    private static final String RESTORE = "Restore config.json from where the model came from";

    private final ObjectNode root;
    private final Path file;

    ModelConfigReader(ObjectNode root, Path file) {
        this.root = root;
        this.file = file;
    }

    ModelConfig read() {
        requireArchitecture();
        requireKnownOptions();
        int hiddenSize = whole("hidden_size", null);
        int heads = whole("num_attention_heads", null);
        if (field("head_dim") == null && (heads <= 0 || hiddenSize % heads != 0)) {
            throw refused("hidden_size " + hiddenSize + " is not a multiple of num_attention_heads " + heads
                + " and there is no head_dim", RESTORE);
        }
        try {
            return new ModelConfig(whole("vocab_size", null), hiddenSize, whole("intermediate_size", null),
                whole("num_hidden_layers", null), heads, whole("num_key_value_heads", heads),
                field("head_dim") == null ? hiddenSize / heads : whole("head_dim", null), real("rms_norm_eps", 1e-6),
                ropeTheta(), whole("max_position_embeddings", 2048), flag("tie_word_embeddings"),
                field("bos_token_id") == null ? null : whole("bos_token_id", null), endTokens(), dataType(),
                real("initializer_range", 0.02));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file, String.valueOf(e.getMessage()), RESTORE, e);
        }
    }

    private void requireArchitecture() {
        JsonNode architectures = field("architectures");
        if (architectures != null && architectures.isArray() && !architectures.isEmpty()) {
            String name = architectures.get(0).asText();
            if (!name.equals(ARCHITECTURE)) {
                throw refused("architectures says '" + name + "', known is " + ARCHITECTURE,
                    "Choose a model of the Llama family");
            }
            return;
        }
        JsonNode type = field("model_type");
        if (type == null || !type.asText().equals(MODEL_TYPE)) {
            throw refused(type == null ? "it names neither architectures nor model_type"
                : "model_type says '" + type.asText() + "', known is " + MODEL_TYPE, "Choose a model of the Llama family");
        }
    }

    private void requireKnownOptions() {
        requireValue("hidden_act", "silu");
        requireOff("attention_bias");
        requireOff("mlp_bias");
        requireOff("rope_interleaved");
        requireNumber("attention_dropout", 0);
        requireNumber("pretraining_tp", 1);
        requireNumber("partial_rotary_factor", 1);
        requireAbsent("sliding_window");
        JsonNode scaling = field("rope_scaling");
        if (scaling != null && !ropeType(scaling).equals("default")) {
            throw unsupported("rope_scaling", scaling);
        }
        JsonNode parameters = field("rope_parameters");
        if (parameters != null && !ropeType(parameters).equals("default")) {
            throw unsupported("rope_parameters", parameters);
        }
    }

    private static String ropeType(JsonNode node) {
        return node.path("rope_type").asText(node.path("type").asText(""));
    }

    private void requireValue(String name, String known) {
        JsonNode node = field(name);
        if (node != null && !node.asText().equals(known)) {
            throw unsupported(name, node);
        }
    }

    private void requireOff(String name) {
        JsonNode node = field(name);
        if (node != null && !(node.isBoolean() && !node.booleanValue())) {
            throw unsupported(name, node);
        }
    }

    private void requireNumber(String name, double known) {
        JsonNode node = field(name);
        if (node != null && !(node.isNumber() && node.doubleValue() == known)) {
            throw unsupported(name, node);
        }
    }

    private void requireAbsent(String name) {
        JsonNode node = field(name);
        if (node != null) {
            throw unsupported(name, node);
        }
    }

    private CheckpointException unsupported(String name, JsonNode value) {
        return refused(name + " is " + value + ", which changes the model's numbers and is not built",
            "Choose a model without this option");
    }

    /** Newer writers keep the base in an object of its own. */
    private double ropeTheta() {
        JsonNode parameters = field("rope_parameters");
        if (parameters != null && parameters.has("rope_theta")) {
            return number("rope_parameters.rope_theta", parameters.get("rope_theta"));
        }
        return real("rope_theta", 10_000);
    }

    private List<Integer> endTokens() {
        JsonNode node = field("eos_token_id");
        List<Integer> ids = new ArrayList<>();
        if (node != null && node.isArray()) {
            node.forEach(id -> ids.add(wholeOf("eos_token_id", id)));
        } else if (node != null) {
            ids.add(wholeOf("eos_token_id", node));
        }
        return ids;
    }

    private DataType dataType() {
        String name = field("torch_dtype") != null ? "torch_dtype" : "dtype";
        JsonNode node = field(name);
        String type = node == null ? "float32" : node.asText().replace("torch.", "");
        return switch (type) {
            case "float32" -> DataType.FLOAT;
            case "bfloat16" -> DataType.BFLOAT16;
            case "float16" -> DataType.HALF;
            case "float64" -> DataType.DOUBLE;
            default -> throw refused(name + " says '" + type + "', known are float32, bfloat16, float16, float64",
                "Convert the weights to one of them");
        };
    }

    private int whole(String name, @Nullable Integer fallback) {
        JsonNode node = field(name);
        if (node == null) {
            if (fallback == null) {
                throw refused(name + " is missing", RESTORE);
            }
            return fallback;
        }
        return wholeOf(name, node);
    }

    private int wholeOf(String name, JsonNode node) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw refused(name + " is " + node + " instead of a whole number", RESTORE);
        }
        return node.intValue();
    }

    private double real(String name, double fallback) {
        JsonNode node = field(name);
        return node == null ? fallback : number(name, node);
    }

    private double number(String name, JsonNode node) {
        if (!node.isNumber()) {
            throw refused(name + " is " + node + " instead of a number", RESTORE);
        }
        return node.doubleValue();
    }

    private boolean flag(String name) {
        JsonNode node = field(name);
        if (node != null && !node.isBoolean()) {
            throw refused(name + " is " + node + " instead of true or false", RESTORE);
        }
        return node != null && node.booleanValue();
    }

    /** Returns a field, or null where it is absent or null, which mean the same. */
    private @Nullable JsonNode field(String name) {
        JsonNode node = root.get(name);
        return node == null || node.isNull() ? null : node;
    }

    private CheckpointException refused(String found, String mend) {
        return new CheckpointException(file, found, mend);
    }
}
