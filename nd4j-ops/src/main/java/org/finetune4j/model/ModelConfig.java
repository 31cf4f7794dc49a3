package org.finetune4j.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.model.family.Architecture;
import org.finetune4j.model.family.Block;
import org.finetune4j.model.family.ConfigFields;
import org.finetune4j.model.family.ConfigProblem;
import org.finetune4j.model.family.Families;
import org.finetune4j.model.family.Family;
import org.finetune4j.model.family.Rotary;
import org.finetune4j.model.family.RotaryScaling;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What {@code config.json} of the Hugging Face layout says of a model.
 *
 * @param modelType        the family's name, the first of {@link Family#modelTypes()}
 * @param architecture     what the model computes
 * @param bosTokenId       id of the token for the beginning of a text, or null
 * @param eosTokenIds      ids of the tokens that end a text; often one, sometimes none
 * @param torchDtype       type in which the weights are stored: FLOAT, BFLOAT16, HALF or DOUBLE
 * @param initializerRange standard deviation of fresh weights
 * @param toJson           the whole file, written alike whatever its spacing was
 */
public record ModelConfig(String modelType, Architecture architecture, @Nullable Integer bosTokenId,
                          List<Integer> eosTokenIds, DataType torchDtype, double initializerRange, String toJson) {
    /** The file's name in a model folder. */
    public static final String FILE_NAME = "config.json";

    private static final long MAXIMUM_BYTES = 10_000_000;
    private static final List<DataType> STORED = List.of(DataType.FLOAT, DataType.BFLOAT16, DataType.HALF,
            DataType.DOUBLE);
    private static final List<String> STORED_NAMES = List.of("float32", "bfloat16", "float16", "float64");

    /**
     * Checks the numbers against each other.
     *
     * @throws IllegalArgumentException if one is out of its range; the message names it as {@code config.json} does
     */
    public ModelConfig {
        eosTokenIds = List.copyOf(eosTokenIds);
        int vocabulary = architecture.embeddings().tokens().rows();
        requireToken("bos_token_id", bosTokenId, vocabulary);
        for (int id : eosTokenIds) {
            requireToken("eos_token_id", id, vocabulary);
        }
        if (!(initializerRange > 0 && Double.isFinite(initializerRange))) {
            throw new IllegalArgumentException("initializer_range " + initializerRange + " is not positive");
        }
    }

    /**
     * Reads {@code config.json} of a model folder.
     *
     * @param folder the model folder
     * @throws CheckpointException if it is missing, of a family that is not known, or asks for something that would change
     *                             the numbers and is not built
     */
    public static ModelConfig read(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return read(StrictJson.readObject(file, MAXIMUM_BYTES), file);
    }

    /**
     * Reads the text of a {@code config.json}.
     *
     * @param json   the text
     * @param origin the file named in messages
     * @throws CheckpointException as {@link #read} does
     */
    public static ModelConfig parse(String json, Path origin) {
        return read(StrictJson.parseObject(json, origin), origin);
    }

    private static ModelConfig read(ObjectNode root, Path origin) {
        try {
            return of(root);
        } catch (IllegalArgumentException problem) {
            throw new CheckpointException(origin, String.valueOf(problem.getMessage()), ConfigProblem.mend(problem), problem);
        }
    }

    private static ModelConfig of(ObjectNode root) {
        ConfigFields fields = new ConfigFields(root);
        Family family = Families.of(fields);
        fields.requireOnly("attention_dropout", 0);
        List<Integer> ends = fields.wholes("eos_token_id");
        return new ModelConfig(family.modelTypes().get(0), family.architecture(fields),
                fields.has("bos_token_id") ? fields.whole("bos_token_id") : null, ends == null ? List.of() : ends,
                stored(fields), fields.real("initializer_range", 0.02), text(root));
    }

    /**
     * This configuration for texts longer by a factor, by {@link Rotary#rebased}; the weights stay the same.
     *
     * @param factor how many times as long texts become, finite and at least 1
     * @throws FinetuneException when the factor is out of range, or the model has no rotary positions, several kinds of
     *                           them, or such as are scaled already
     */
    public ModelConfig rebased(double factor) {
        List<Rotary> kinds = architecture.blocks().stream().map(block -> block.attention().rotary()).distinct().toList();
        Rotary rotary = kinds.size() == 1 ? kinds.get(0) : null;
        if (rotary == null || !(rotary.scaling() instanceof RotaryScaling.None)) {
            throw new FinetuneException("a model of the family " + modelType + " whose layers have " + (kinds.size() > 1
                    ? kinds.size() + " kinds of positions" : rotary == null ? "no rotary positions"
                    : "rotary positions that are scaled already") + " cannot be rebased for longer texts. Take another base.");
        }
        try {
            ObjectNode root = StrictJson.parseObject(toJson, Path.of(FILE_NAME));
            Rotary longer = rotary.rebased(factor);
            ObjectNode place = root.path("rope_parameters") instanceof ObjectNode newer ? newer : root;
            place.put("rope_theta", longer.theta());
            root.put("max_position_embeddings", (int) Math.floor(maxPositions() * factor));
            ModelConfig rebased = of(root);
            if (!longer.equals(rebased.architecture.blocks().get(0).attention().rotary())) {
                throw new FinetuneException("the family " + modelType + " does not read its rotary base from " + FILE_NAME
                        + ", so that it cannot be rebased. Take another base.");
            }
            return rebased;
        } catch (IllegalArgumentException problem) {
            throw new FinetuneException(problem.getMessage() + ". Choose another factor or another base.", problem);
        }
    }

    private static DataType stored(ConfigFields fields) {
        String field = fields.has("torch_dtype") ? "torch_dtype" : "dtype";
        String name = fields.text(field, "float32").replace("torch.", "");
        int place = STORED_NAMES.indexOf(name);
        if (place < 0) {
            throw new ConfigProblem(field + " says '" + name + "', known are " + String.join(", ", STORED_NAMES),
                    "Convert the weights to one of them");
        }
        return STORED.get(place);
    }

    /**
     * The configuration of a new model of the Llama family.
     *
     * @param vocabularySize    rows of the embedding, in tokens
     * @param hiddenSize        width of the hidden states
     * @param intermediateSize  width inside the feed-forward block
     * @param layers            number of decoder layers
     * @param heads             number of query heads
     * @param keyValueHeads     number of key and value heads, which divides the query heads
     * @param headDimension     width of one head, an even number because rotary positions turn pairs
     * @param rmsNormEpsilon    what RMSNorm adds to the mean square
     * @param ropeTheta         base of the rotary positions' wave lengths
     * @param maxPositions      longest sequence in tokens
     * @param tieWordEmbeddings whether the head uses the embedding's weights
     * @param bosTokenId        id of the token for the beginning of a text, or null
     * @param eosTokenIds       ids of the tokens that end a text
     * @param torchDtype        type in which the weights are stored: FLOAT, BFLOAT16, HALF or DOUBLE
     * @param initializerRange  standard deviation of fresh weights
     * @throws IllegalArgumentException if one is out of its range; the message names it as {@code config.json} does
     */
    public static ModelConfig llama(int vocabularySize, int hiddenSize, int intermediateSize, int layers, int heads,
                                    int keyValueHeads, int headDimension, double rmsNormEpsilon, double ropeTheta,
                                    int maxPositions, boolean tieWordEmbeddings, @Nullable Integer bosTokenId,
                                    List<Integer> eosTokenIds, DataType torchDtype, double initializerRange) {
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
        int type = STORED.indexOf(torchDtype);
        if (type < 0) {
            throw new IllegalArgumentException("torch_dtype " + torchDtype + " is not a type for weights");
        }
        root.put("torch_dtype", STORED_NAMES.get(type));
        root.put("initializer_range", initializerRange);
        root.put("use_cache", true);
        return of(root);
    }

    private static String text(ObjectNode root) {
        try {
            return StrictJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }

    private static void requireToken(String field, @Nullable Integer id, int vocabularySize) {
        if (id != null && (id < 0 || id >= vocabularySize)) {
            throw new IllegalArgumentException(field + " " + id + " is not a token of the vocabulary of " + vocabularySize);
        }
    }

    /** Rows of the embedding, in tokens. */
    public int vocabularySize() {
        return architecture.embeddings().tokens().rows();
    }

    /** Width of the hidden states. */
    public int hiddenSize() {
        return architecture.embeddings().tokens().width();
    }

    /** Width inside the feed-forward of the first block. */
    public int intermediateSize() {
        return first().feedForward().inner();
    }

    /** Number of blocks. */
    public int layers() {
        return architecture.blocks().size();
    }

    /** Number of query heads of the first block. */
    public int heads() {
        return first().attention().shape().heads();
    }

    /** Number of key and value heads of the first block. */
    public int keyValueHeads() {
        return first().attention().shape().keyValueHeads();
    }

    /** Width of one head of the first block. */
    public int headDimension() {
        return first().attention().shape().headDimension();
    }

    /** Longest text in tokens. */
    public int maxPositions() {
        return architecture.maxPositions();
    }

    /** Whether the head uses the embedding's weights. */
    public boolean tieWordEmbeddings() {
        return architecture.head() != null && architecture.head().tied();
    }

    private Block first() {
        return architecture.blocks().get(0);
    }
}
