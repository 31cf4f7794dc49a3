package org.finetune4j.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.StrictJson;

/**
 * The parts of an encoder in the layout of sentence-transformers, whose {@code modules.json} names them. A folder without
 * one is a transformer alone, whose vectors are the means of all tokens.
 *
 * @param transformer folder of the model and its tokenizer
 * @param pooling     what becomes of the hidden states
 * @param unitLength  whether vectors are divided by their length
 */
record EncoderModules(Path transformer, EncoderModel.Pooling pooling, boolean unitLength) {
    private static final String MODULES = "modules.json";
    private static final String LIMITS = "sentence_bert_config.json";
    private static final String PREFIX = "sentence_transformers.models.";
    private static final String MEND = "Choose a model without this module";
    private static final long MAXIMUM_BYTES = 1 << 20;
    /** Options of pooling that are built. */
    private static final Map<String, EncoderModel.Pooling> POOLINGS = Map.of("pooling_mode_mean_tokens",
            EncoderModel.Pooling.MEAN, "pooling_mode_cls_token", EncoderModel.Pooling.FIRST);

    /**
     * Reads what a folder has.
     *
     * @throws FinetuneException when a file is corrupt, or asks for a module or a pooling that is not built
     */
    static EncoderModules read(Path folder) {
        Path transformer = folder;
        EncoderModel.Pooling pooling = EncoderModel.Pooling.MEAN;
        boolean unitLength = false;
        for (JsonNode module : modules(folder)) {
            String type = module.path("type").asText();
            String kind = type.substring(type.lastIndexOf('.') + 1);
            Path own = inside(folder, module.path("path").asText());
            switch (type.startsWith(PREFIX) ? kind : "") {
                case "Transformer" -> transformer = own;
                case "Pooling" -> pooling = pooling(own.resolve(ModelConfig.FILE_NAME));
                case "Normalize" -> unitLength = true;
                default -> throw new CheckpointException(folder.resolve(MODULES), "the module '" + type + "' is not built, "
                        + "known are Transformer, Pooling and Normalize", MEND);
            }
        }
        return new EncoderModules(transformer, pooling, unitLength);
    }

    private static JsonNode modules(Path folder) {
        Path file = folder.resolve(MODULES);
        if (!Files.exists(file)) {
            return StrictJson.mapper().createArrayNode();
        }
        try {
            JsonNode list = Files.size(file) <= MAXIMUM_BYTES ? StrictJson.mapper().readTree(Files.readString(file))
                    : StrictJson.mapper().missingNode();
            if (list.isArray()) {
                return list;
            }
        } catch (IOException e) {
            throw new CheckpointException(file, "it cannot be read (" + e.getMessage() + ")", "Restore the file", e);
        }
        throw new CheckpointException(file, "it must hold a short list of modules", "Restore the file from its source");
    }

    static Path inside(Path folder, String path) {
        // A relative folder such as "." would have no names left.
        Path own = folder.resolve(path).toAbsolutePath().normalize();
        if (!own.startsWith(folder.toAbsolutePath().normalize())) {
            throw new CheckpointException(folder.resolve(MODULES), "the path '" + path + "' leads out of the folder",
                    "Restore the file from its source");
        }
        return own;
    }

    private static EncoderModel.Pooling pooling(Path file) {
        ObjectNode root = StrictJson.readObject(file, MAXIMUM_BYTES);
        List<String> chosen = new ArrayList<>();
        root.fields().forEachRemaining(field -> {
            if (field.getKey().startsWith("pooling_mode_") && field.getValue().asBoolean()) {
                chosen.add(field.getKey());
            }
        });
        if (chosen.size() != 1 || !POOLINGS.containsKey(chosen.get(0))) {
            throw new CheckpointException(file, "the pooling " + chosen + " is not built, known are one of "
                    + POOLINGS.keySet().stream().sorted().toList(), MEND);
        }
        return POOLINGS.get(chosen.get(0));
    }

    /** Tokens of a text at most. */
    int longest(EncoderModel encoder) {
        return Math.min(encoder.config().maxPositions(), limit());
    }

    private int limit() {
        Path file = transformer.resolve(LIMITS);
        JsonNode limit = Files.exists(file) ? StrictJson.readObject(file, MAXIMUM_BYTES).path("max_seq_length")
                : StrictJson.mapper().missingNode();
        if (limit.isMissingNode() || limit.isNull()) {
            return Integer.MAX_VALUE;
        }
        if (!limit.canConvertToInt() || limit.intValue() < 2) {
            throw new CheckpointException(file, "max_seq_length is " + limit, "Restore the file from its source");
        }
        return limit.intValue();
    }

    /** So many tokens of a text at most, the last being the one that the tokenizer ends texts with. */
    static int[] cut(int[] ids, int longest) {
        if (ids.length <= longest) {
            return ids;
        }
        int[] kept = Arrays.copyOf(ids, longest);
        kept[longest - 1] = ids[ids.length - 1];
        return kept;
    }
}
