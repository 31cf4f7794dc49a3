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
import org.finetune4j.kernel.Kernels;
import org.finetune4j.tokenizer.Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A vector for every text, near for texts that mean the same (Sentence-BERT, arXiv 1908.10084): an encoder in the layout of
 * sentence-transformers, whose {@code modules.json} says how hidden states become a vector. A folder without one takes
 * the mean of all tokens and leaves its length.
 */
public final class SentenceEncoder implements AutoCloseable {
    private static final String MODULES = "modules.json";
    private static final String LIMITS = "sentence_bert_config.json";
    private static final String PREFIX = "sentence_transformers.models.";
    private static final String MEND = "Choose a model without this module";
    private static final long MAXIMUM_BYTES = 1 << 20;
    /** Tokens of the texts that are encoded side by side, but for a text of more. */
    private static final int TOKENS_PER_PASS = 8192;
    /** Options of pooling that are built. */
    private static final Map<String, EncoderModel.Pooling> POOLINGS = Map.of("pooling_mode_mean_tokens",
            EncoderModel.Pooling.MEAN, "pooling_mode_cls_token", EncoderModel.Pooling.FIRST);

    private final Tokenizer tokenizer;
    private final EncoderModel encoder;
    private final int longest;

    private SentenceEncoder(Tokenizer tokenizer, EncoderModel encoder, int longest) {
        this.tokenizer = tokenizer;
        this.encoder = encoder;
        this.longest = longest;
    }

    /**
     * Loads a folder.
     *
     * @throws FinetuneException when a file is missing or corrupt, or asks for a module or a pooling that is not built
     */
    public static SentenceEncoder load(Path folder, Precision precision, Kernels kernels) {
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
        Tokenizer tokenizer = Tokenizer.load(transformer);
        try {
            EncoderModel encoder = EncoderModel.load(transformer, pooling, unitLength, precision, kernels);
            return new SentenceEncoder(tokenizer, encoder, Math.min(encoder.config().maxPositions(), longest(transformer)));
        } catch (RuntimeException | Error failure) {
            tokenizer.close();
            throw failure;
        }
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

    private static int longest(Path folder) {
        Path file = folder.resolve(LIMITS);
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

    /** Numbers of a vector. */
    public int width() {
        return encoder.config().hiddenSize();
    }

    /**
     * The vectors of texts. A text of more tokens than the model takes is cut, its last token being the one that the
     * tokenizer ends texts with.
     *
     * @return as many vectors of {@link #width()} numbers, in the same order
     */
    public List<float[]> encode(List<String> texts) {
        List<float[]> vectors = new ArrayList<>();
        List<int[]> pass = new ArrayList<>();
        int tokens = 0;
        for (String text : texts) {
            int[] ids = cut(tokenizer.encode(text, true).ids());
            if (tokens + ids.length > TOKENS_PER_PASS) {
                encode(pass, vectors);
                pass.clear();
                tokens = 0;
            }
            pass.add(ids);
            tokens += ids.length;
        }
        encode(pass, vectors);
        return vectors;
    }

    /** Copies the vectors out, whose memory the next pass takes. */
    private void encode(List<int[]> pass, List<float[]> vectors) {
        if (!pass.isEmpty()) {
            INDArray rows = encoder.encode(pass);
            for (int i = 0; i < pass.size(); i++) {
                vectors.add(rows.getRow(i).toFloatVector());
            }
        }
    }

    /** Bytes of intermediate arrays as they are held now. */
    long arenaBytes() {
        return encoder.arenaBytes();
    }

    private int[] cut(int[] ids) {
        if (ids.length <= longest) {
            return ids;
        }
        int[] kept = Arrays.copyOf(ids, longest);
        kept[longest - 1] = ids[ids.length - 1];
        return kept;
    }

    @Override
    public void close() {
        encoder.close();
        tokenizer.close();
    }
}
