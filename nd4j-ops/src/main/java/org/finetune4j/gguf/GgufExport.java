package org.finetune4j.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.OptionalInt;
import java.util.TreeSet;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.DiskSpace;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A model as a GGUF file: weights, sizes, tokenizer, chat template and the tokens that end a turn.
 *
 * @param folder       a model folder in the Hugging Face layout, for config.json and tokenizer
 * @param weights      the model's weights by Hugging Face's names
 * @param chatTemplate the chat template, or null for the tokenizer's own
 * @param endTokens    tokens that end a text or a turn, beside those that the folder's files name
 * @param name         the model's name
 */
public record GgufExport(Path folder, List<PendingTensor> weights, @Nullable String chatTemplate,
                         Collection<Integer> endTokens, String name) {
    private static final long MAXIMUM_BYTES = 10_000_000;

    /** The model of a folder as it is. The weights are read when the file is written. */
    public static void write(Path folder, Path file, GgufType type, AtomicFiles files) {
        try (StoredWeights weights = StoredWeights.open(folder)) {
            List<PendingTensor> tensors = weights.names().stream().map(name -> new PendingTensor(name, DataType.FLOAT,
                    weights.info(name).shape(), true, () -> weights.read(name, DataType.FLOAT))).toList();
            new GgufExport(folder, tensors, null, List.of(), String.valueOf(folder.toAbsolutePath().normalize()
                    .getFileName())).write(file, type, files);
        }
    }

    /**
     * Writes the file whole or not at all.
     *
     * @param type how matrices are stored
     * @throws CheckpointException when llama.cpp has no such model or tokenizer, a value does not fit the type, or the file
     *                             cannot be written
     */
    public void write(Path file, GgufType type, AtomicFiles files) {
        Path configFile = folder.resolve(ModelConfig.FILE_NAME);
        ObjectNode config = StrictJson.readObject(configFile, MAXIMUM_BYTES);
        String architecture = config.path("architectures").path(0).asText();
        GgufFamily family = GgufFamily.of(architecture);
        if (family == null) {
            throw new CheckpointException(configFile, "architectures says '" + architecture + "'; into a GGUF file go "
                    + GgufFamily.knownNames(), "Convert the saved folder with llama.cpp's convert_hf_to_gguf.py");
        }
        ModelConfig model = ModelConfig.read(folder);
        List<GgufTensor> tensors = tensors(family, model, type);
        GgufMetadata metadata = new GgufMetadata().text("general.architecture", family.architecture())
                .text("general.type", "model").text("general.name", name).whole("general.file_type", type.fileType())
                .whole("general.quantization_version", 2);
        GgufShape.describe(family, model, configFile, metadata);
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            GgufVocabulary.describe(folder, model.vocabularySize(), tokenizer, metadata);
            describeTokens(config, tokenizer, metadata);
        }
        DiskSpace.require(file, GgufWriter.bytes(tensors));
        files.write(file, channel -> GgufWriter.write(channel, file, metadata, tensors));
    }

    private List<GgufTensor> tensors(GgufFamily family, ModelConfig config, GgufType type) {
        List<GgufTensor> tensors = new ArrayList<>();
        AttentionShape heads = config.architecture().blocks().get(0).attention().shape();
        for (PendingTensor weight : weights) {
            String own = family.names().of(weight.name());
            if (config.tieWordEmbeddings() && "output.weight".equals(own) || weight.name().endsWith(".inv_freq")
                    || family == GgufFamily.GPT2 && weight.name().matches(".*\\.attn\\.(bias|masked_bias)")) {
                continue;
            }
            if (own == null) {
                throw new CheckpointException(folder, "llama.cpp has no name for tensor '" + weight.name() + "' in "
                        + family.architecture(), "Convert the saved folder with llama.cpp's convert_hf_to_gguf.py");
            }
            long[] shape = family.shape(weight.name(), weight.shape());
            tensors.add(new GgufTensor(new PendingTensor(own, DataType.FLOAT, shape, true,
                    () -> values(family, weight, heads)), type.of(shape)));
        }
        INDArray factors = GgufRotary.frequencyFactors(GgufShape.rotary(config));
        if (factors != null) {
            tensors.add(new GgufTensor(PendingTensor.of("rope_freqs.weight", factors), GgufType.F32));
        }
        return tensors;
    }

    private static INDArray values(GgufFamily family, PendingTensor weight, AttentionShape heads) {
        INDArray own = weight.values().get();
        INDArray copy = own.dataType() == DataType.FLOAT ? weight.fresh() ? own : own.dup('c') : own.castTo(DataType.FLOAT);
        if (weight.fresh() && copy != own) {
            own.close();
        }
        INDArray result = family.values(weight.name(), copy, heads);
        if (result != copy) {
            copy.close();
        }
        return result;
    }

    private void describeTokens(JsonNode config, Tokenizer tokenizer, GgufMetadata metadata) {
        Path generation = folder.resolve("generation_config.json");
        TreeSet<Integer> ends = new TreeSet<>(endTokens);
        JsonNode told = Files.isRegularFile(generation) ? StrictJson.readObject(generation, MAXIMUM_BYTES)
                : StrictJson.mapper().createObjectNode();
        for (JsonNode ids : Arrays.asList(told.path("eos_token_id"), config.path("eos_token_id"))) {
            if (ids.isInt()) {
                ends.add(ids.intValue());
            }
            ids.forEach(id -> ends.add(id.asInt()));
        }
        OptionalInt begin = tokenizer.beginTokenId();
        int bos = begin.orElse(config.path("bos_token_id").asInt(-1));
        if (bos >= 0) {
            metadata.whole("tokenizer.ggml.bos_token_id", bos);
        }
        int end = tokenizer.endTokenId().orElse(ends.isEmpty() ? -1 : ends.first());
        if (end >= 0) {
            metadata.whole("tokenizer.ggml.eos_token_id", end);
            ends.remove(end);
        }
        // What ends a turn where that is another token, or generation would go on behind it.
        if (!ends.isEmpty()) {
            metadata.whole("tokenizer.ggml.eot_token_id", ends.first());
        }
        tokenizer.paddingTokenId().ifPresent(id -> metadata.whole("tokenizer.ggml.padding_token_id", id));
        metadata.text("tokenizer.chat_template", chatTemplate != null ? chatTemplate : tokenizer.chatTemplateSource());
    }
}
