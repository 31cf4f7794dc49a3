package org.finetune4j.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a Hugging Face {@code config.json} says of a model of the Llama family.
 *
 * @param vocabularySize    rows of the embedding
 * @param hiddenSize        width of the residual stream
 * @param intermediateSize  inner width of the feed-forward block
 * @param layers            number of blocks
 * @param heads             query heads, a multiple of {@code keyValueHeads}
 * @param keyValueHeads     key and value heads
 * @param headDimension     numbers per head, even
 * @param rmsNormEpsilon    added to the mean square in norms
 * @param ropeTheta         base of the rotary frequencies
 * @param maxPositions      longest context in tokens
 * @param tieWordEmbeddings whether the head is the embedding
 * @param bosTokenId        beginning-of-text token, or -1 when there is none
 * @param eosTokenIds       tokens that end a text; may be empty
 * @param torchDtype        storage type of the checkpoint, such as {@code bfloat16}
 * @param initializerRange  standard deviation of fresh weights
 */
public record ModelConfig(int vocabularySize, int hiddenSize, int intermediateSize, int layers, int heads,
                          int keyValueHeads, int headDimension, double rmsNormEpsilon, double ropeTheta,
                          int maxPositions, boolean tieWordEmbeddings, int bosTokenId, List<Integer> eosTokenIds,
                          String torchDtype, double initializerRange) {
    /** The file's name in a model folder. */
    public static final String FILE_NAME = "config.json";

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private static final List<String> ARCHITECTURES = List.of("LlamaForCausalLM");
    /** Fields that would change the numbers, with the only value that this family's graph computes. */
    private static final Map<String, String> ONLY_VALUES = Map.of("attention_bias", "false", "mlp_bias", "false",
            "hidden_act", "silu", "attention_multiplier", "1.0", "logits_scaling", "1.0", "residual_multiplier", "1.0",
            "embedding_multiplier", "1.0", "attention_dropout", "0.0");

    /** Refuses sizes that do not fit together. */
    public ModelConfig {
        require(vocabularySize > 0 && hiddenSize > 0 && intermediateSize > 0 && layers > 0 && maxPositions > 0,
                "vocabulary, hidden size, intermediate size, layers and positions must be positive, got "
                        + vocabularySize + ", " + hiddenSize + ", " + intermediateSize + ", " + layers + ", " + maxPositions);
        require(heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0,
                heads + " query heads are not a multiple of " + keyValueHeads + " key-value heads");
        require(headDimension > 0 && headDimension % 2 == 0, "head dimension " + headDimension
                + " is not positive and even, as rotary embedding needs");
        require(rmsNormEpsilon > 0 && ropeTheta > 0 && initializerRange > 0,
                "norm epsilon, rope theta and initializer range must be positive, got " + rmsNormEpsilon + ", "
                        + ropeTheta + ", " + initializerRange);
        eosTokenIds = List.copyOf(eosTokenIds);
    }

    private static void require(boolean holds, String problem) {
        if (!holds) {
            throw new IllegalArgumentException(problem);
        }
    }

    /**
     * Reads {@code config.json} of a model folder.
     *
     * @throws CheckpointException when the folder or file is missing, is no JSON, names an unknown architecture, or asks
     *                             for something that would change the numbers and is not supported
     */
    public static ModelConfig read(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException(folder, "there is no such folder",
                    "Give the folder of a model in Hugging Face layout: config.json, tokenizer.json, *.safetensors");
        }
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(folder, "the folder has no config.json",
                    "Give the folder of a model in Hugging Face layout: config.json, tokenizer.json, *.safetensors");
        }
        try {
            JsonNode root = JSON.readTree(Files.readString(file));
            if (!root.isObject()) {
                throw new CheckpointException(file, "it holds no JSON object", "Download the file again");
            }
            return new Reader(file, root).config();
        } catch (JsonProcessingException failure) {
            throw new CheckpointException(file, "it is not JSON: " + failure.getOriginalMessage() + " at line "
                    + failure.getLocation().getLineNr(), "Download the file again", failure);
        } catch (IOException failure) {
            throw new CheckpointException(file, "it cannot be read: " + failure.getMessage(),
                    "Check the file and its permissions", failure);
        }
    }

    /** The text of a {@code config.json} that Hugging Face's transformers loads. */
    public String toJson() {
        ObjectNode root = JSON.createObjectNode();
        root.putArray("architectures").add(ARCHITECTURES.get(0));
        root.put("model_type", "llama");
        root.put("vocab_size", vocabularySize);
        root.put("hidden_size", hiddenSize);
        root.put("intermediate_size", intermediateSize);
        root.put("num_hidden_layers", layers);
        root.put("num_attention_heads", heads);
        root.put("num_key_value_heads", keyValueHeads);
        root.put("head_dim", headDimension);
        root.put("hidden_act", "silu");
        root.put("rms_norm_eps", rmsNormEpsilon);
        root.put("rope_theta", ropeTheta);
        root.put("max_position_embeddings", maxPositions);
        root.put("tie_word_embeddings", tieWordEmbeddings);
        root.put("attention_bias", false);
        root.put("mlp_bias", false);
        if (bosTokenId >= 0) {
            root.put("bos_token_id", bosTokenId);
        }
        if (eosTokenIds.size() == 1) {
            root.put("eos_token_id", eosTokenIds.get(0));
        } else if (!eosTokenIds.isEmpty()) {
            eosTokenIds.forEach(root.putArray("eos_token_id")::add);
        }
        root.put("torch_dtype", torchDtype);
        root.put("initializer_range", initializerRange);
        root.put("use_cache", true);
        try {
            return JSON.writeValueAsString(root) + "\n";
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private record Reader(Path file, JsonNode root) {
        ModelConfig config() {
            checkFamily();
            ONLY_VALUES.forEach((field, value) -> {
                JsonNode node = root.path(field);
                if (!node.isMissingNode() && !node.isNull() && !same(node, value)) {
                    throw unsupported(field, value);
                }
            });
            if (!root.path("rope_scaling").isMissingNode() && !root.path("rope_scaling").isNull()) {
                throw unsupported("rope_scaling", "null");
            }
            int hidden = whole("hidden_size");
            int heads = whole("num_attention_heads");
            try {
                return new ModelConfig(whole("vocab_size"), hidden, whole("intermediate_size"),
                        whole("num_hidden_layers"), heads, whole("num_key_value_heads", heads),
                        whole("head_dim", hidden / Math.max(1, heads)), real("rms_norm_eps", 1e-6), theta(),
                        whole("max_position_embeddings", 2048), root.path("tie_word_embeddings").asBoolean(false),
                        whole("bos_token_id", -1), endTokens(), root.path("torch_dtype").asText(
                                root.path("dtype").asText("float32")), real("initializer_range", 0.02));
            } catch (IllegalArgumentException problem) {
                throw new CheckpointException(file, problem.getMessage(), "Correct the file or choose another model", problem);
            }
        }

        private void checkFamily() {
            JsonNode named = root.path("architectures").path(0);
            String architecture = named.asText("");
            boolean known = named.isMissingNode() ? root.path("model_type").asText("").equals("llama")
                    : ARCHITECTURES.contains(architecture);
            if (!known) {
                throw new CheckpointException(file, named.isMissingNode()
                        ? "model_type is '" + root.path("model_type").asText("missing") + "', which is not known"
                        : "architectures[0] is '" + architecture + "', which is not known",
                        "Choose a model of one of the known architectures " + ARCHITECTURES);
            }
        }

        private static boolean same(JsonNode node, String value) {
            return node.asText().equals(value) || node.isNumber() && node.asDouble() == Double.parseDouble(value);
        }

        private CheckpointException unsupported(String field, String only) {
            return new CheckpointException(file, field + " is " + root.path(field) + ", but only " + only
                    + " is supported, and ignoring it would change the model's numbers", "Choose another model");
        }

        private double theta() {
            JsonNode parameters = root.path("rope_parameters");
            if (parameters.isObject() && !parameters.path("rope_type").asText("default").equals("default")) {
                throw unsupported("rope_parameters", "the default rope_type");
            }
            return real("rope_theta", parameters.path("rope_theta").asDouble(10000));
        }

        private List<Integer> endTokens() {
            JsonNode node = root.path("eos_token_id");
            List<Integer> ids = new ArrayList<>();
            if (node.isInt()) {
                ids.add(node.intValue());
            }
            node.elements().forEachRemaining(element -> ids.add(element.intValue()));
            return ids;
        }

        private int whole(String field) {
            JsonNode node = root.path(field);
            if (!node.isInt()) {
                throw new CheckpointException(file, field + " is " + (node.isMissingNode() ? "missing" : node.toString())
                        + ", but must be a whole number", "Download the file again");
            }
            return node.intValue();
        }

        private int whole(String field, int otherwise) {
            JsonNode node = root.path(field);
            return node.isMissingNode() || node.isNull() ? otherwise : whole(field);
        }

        private double real(String field, double otherwise) {
            JsonNode node = root.path(field);
            if (node.isMissingNode() || node.isNull()) {
                return otherwise;
            }
            if (!node.isNumber()) {
                throw new CheckpointException(file, field + " is " + node + ", but must be a number",
                        "Download the file again");
            }
            return node.asDouble();
        }
    }
}
