package org.finetune4j.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The shape of a model of the Llama family, as {@code config.json} of the Hugging Face layout says it.
 *
 * @param vocabularySize rows of the embedding, in tokens
 * @param hiddenSize width of the hidden states
 * @param intermediateSize width inside the feed-forward block
 * @param layers number of decoder layers
 * @param heads number of query heads
 * @param keyValueHeads number of key and value heads, which divides the query heads
 * @param headDimension width of one head, an even number because rotary positions turn pairs
 * @param rmsNormEpsilon what RMSNorm adds to the mean square
 * @param ropeTheta base of the rotary positions' wave lengths
 * @param maxPositions longest sequence in tokens
 * @param tieWordEmbeddings whether the head uses the embedding's weights
 * @param bosTokenId id of the token for the beginning of a text, or null
 * @param eosTokenIds ids of the tokens that end a text; often one, sometimes none
 * @param torchDtype type in which the weights are stored: FLOAT, BFLOAT16, HALF or DOUBLE
 * @param initializerRange standard deviation of fresh weights
 */
public record ModelConfig(int vocabularySize, int hiddenSize, int intermediateSize, int layers, int heads,
        int keyValueHeads, int headDimension, double rmsNormEpsilon, double ropeTheta, int maxPositions,
        boolean tieWordEmbeddings, @Nullable Integer bosTokenId, List<Integer> eosTokenIds, DataType torchDtype,
        double initializerRange) {
    /** The file's name in a model folder. */
    public static final String FILE_NAME = "config.json";

    private static final long MAXIMUM_BYTES = 10_000_000;

    /**
     * Checks the numbers against each other.
     *
     * @throws IllegalArgumentException if one is out of its range; the message names it as {@code config.json} does
     */
    public ModelConfig {
        requirePositive("vocab_size", vocabularySize);
        requirePositive("hidden_size", hiddenSize);
        requirePositive("intermediate_size", intermediateSize);
        requirePositive("num_hidden_layers", layers);
        requirePositive("num_attention_heads", heads);
        requirePositive("num_key_value_heads", keyValueHeads);
        requirePositive("head_dim", headDimension);
        requirePositive("max_position_embeddings", maxPositions);
        require(heads % keyValueHeads == 0, "num_attention_heads " + heads + " is not a multiple of num_key_value_heads "
            + keyValueHeads);
        require(headDimension % 2 == 0, "head_dim " + headDimension + " is odd, but rotary positions turn pairs");
        require(rmsNormEpsilon > 0 && rmsNormEpsilon < 1, "rms_norm_eps " + rmsNormEpsilon + " is not between 0 and 1");
        require(ropeTheta > 1 && Double.isFinite(ropeTheta), "rope_theta " + ropeTheta + " is not above 1");
        require(initializerRange > 0 && Double.isFinite(initializerRange),
            "initializer_range " + initializerRange + " is not positive");
        requireToken("bos_token_id", bosTokenId, vocabularySize);
        eosTokenIds = List.copyOf(eosTokenIds);
        for (int id : eosTokenIds) {
            requireToken("eos_token_id", id, vocabularySize);
        }
        require(dtypeName(torchDtype) != null, "torch_dtype " + torchDtype + " is not a type for weights");
    }

    /**
     * Reads {@code config.json} of a model folder.
     *
     * @param folder the model folder
     * @throws CheckpointException if it is missing, of another architecture, or asks for something that would change the
     *     numbers and is not built
     */
    public static ModelConfig read(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return new ModelConfigReader(StrictJson.readObject(file, MAXIMUM_BYTES), file).read();
    }

    /**
     * Reads the text of a {@code config.json}.
     *
     * @param json the text
     * @param origin the file named in messages
     * @throws CheckpointException as {@link #read} does
     */
    public static ModelConfig parse(String json, Path origin) {
        return new ModelConfigReader(StrictJson.parseObject(json, origin), origin).read();
    }

    /** Returns a {@code config.json} that transformers loads as a LlamaForCausalLM. */
    public String toJson() {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.putArray("architectures").add("LlamaForCausalLM");
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
        root.putNull("rope_scaling");
        root.put("max_position_embeddings", maxPositions);
        root.put("attention_bias", false);
        root.put("attention_dropout", 0.0);
        root.put("mlp_bias", false);
        root.put("tie_word_embeddings", tieWordEmbeddings);
        root.put("bos_token_id", bosTokenId);
        if (eosTokenIds.size() > 1) {
            ArrayNode ends = root.putArray("eos_token_id");
            eosTokenIds.forEach(ends::add);
        } else {
            root.put("eos_token_id", eosTokenIds.isEmpty() ? null : eosTokenIds.get(0));
        }
        root.put("torch_dtype", dtypeName(torchDtype));
        root.put("initializer_range", initializerRange);
        root.put("use_cache", true);
        try {
            return StrictJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }

    private static @Nullable String dtypeName(DataType type) {
        return switch (type) {
            case FLOAT -> "float32";
            case BFLOAT16 -> "bfloat16";
            case HALF -> "float16";
            case DOUBLE -> "float64";
            default -> null;
        };
    }

    private static void requirePositive(String field, int value) {
        require(value > 0, field + " " + value + " is not positive");
    }

    private static void requireToken(String field, @Nullable Integer id, int vocabularySize) {
        require(id == null || id >= 0 && id < vocabularySize, field + " " + id + " is not a token of the vocabulary of "
            + vocabularySize);
    }

    private static void require(boolean right, String found) {
        if (!right) {
            throw new IllegalArgumentException(found);
        }
    }
}
