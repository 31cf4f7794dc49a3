package org.finetune4j.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * The vocabulary of a tokenizer.json in llama.cpp's terms: byte-level pairs are its model {@code gpt2}, pairs over
 * characters with bytes for the unknown ones (SentencePiece) its model {@code llama}.
 */
final class GgufVocabulary {
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;
    /** Of tokens that no merge makes; llama.cpp's converters give such scores too. */
    private static final float NEVER_MERGED = -1e9f;

    private final Path file;
    private final ObjectNode root;
    private final String[] tokens;
    private final int[] types;
    private final List<String> merges = new ArrayList<>();
    private final @Nullable String unknown;

    private GgufVocabulary(Path file, String json, int size) {
        this.file = file;
        root = StrictJson.parseObject(json, file);
        tokens = new String[size];
        types = new int[size];
        JsonNode model = root.path("model");
        if (!model.path("type").asText("BPE").equals("BPE")) {
            throw new CheckpointException(file, "its model is of type " + model.path("type")
                    + ", but only BPE goes into a GGUF file", "Convert the saved folder with llama.cpp's "
                    + "convert_hf_to_gguf.py");
        }
        unknown = model.path("unk_token").isTextual() ? model.path("unk_token").textValue() : null;
        model.path("vocab").properties().forEach(entry -> put(entry.getKey(), entry.getValue(), NORMAL));
        for (JsonNode token : root.path("added_tokens")) {
            // The model has no row for it, so that it never occurs.
            if (!token.path("id").isInt() || token.path("id").intValue() < size) {
                put(token.path("content").asText(), token.path("id"),
                        token.path("special").asBoolean() ? CONTROL : USER_DEFINED);
            }
        }
        for (int id = 0; id < size; id++) {
            if (types[id] == 0) {
                tokens[id] = "[PAD" + id + "]";
                types[id] = UNUSED;
            }
        }
        model.path("merges").forEach(pair -> merges.add(pair.isArray() ? part(pair.path(0)) + " " + part(pair.path(1))
                : pair.asText()));
    }

    private void put(String token, JsonNode id, int type) {
        if (!id.isInt() || id.intValue() < 0 || id.intValue() >= tokens.length) {
            throw new CheckpointException(file, "token '" + token + "' has the id " + id + ", but the model has "
                    + tokens.length + " tokens", "Take tokenizer.json and config.json of the same model");
        }
        tokens[id.intValue()] = token;
        types[id.intValue()] = type;
    }

    /** A space inside a part is written as byte-level vocabularies do, for it separates the parts. */
    private static String part(JsonNode text) {
        return text.asText().replace(' ', '\u0120');
    }

    /**
     * Says all that a vocabulary needs.
     *
     * @param size      rows of the embedding
     * @param tokenizer of the same folder
     */
    static void describe(Path folder, int size, Tokenizer tokenizer, GgufMetadata metadata) {
        GgufVocabulary vocabulary = new GgufVocabulary(folder.resolve(Tokenizer.FILE_NAME), tokenizer.json(), size);
        if (vocabulary.root.path("model").path("byte_fallback").asBoolean()) {
            vocabulary.describeCharacters(metadata);
        } else {
            metadata.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre",
                    PreTokenizers.name(vocabulary.root, vocabulary.file));
            metadata.texts("tokenizer.ggml.tokens", Arrays.asList(vocabulary.tokens));
            metadata.wholes("tokenizer.ggml.token_type", vocabulary.types);
            metadata.texts("tokenizer.ggml.merges", vocabulary.merges);
        }
        int[] plain = tokenizer.encode("a", false).ids();
        int[] whole = tokenizer.encode("a", true).ids();
        metadata.flag("tokenizer.ggml.add_bos_token", whole.length > 0 && plain.length > 0 && whole[0] != plain[0]);
        metadata.flag("tokenizer.ggml.add_eos_token", whole.length > 0 && plain.length > 0
                && whole[whole.length - 1] != plain[plain.length - 1]);
    }

    private void describeCharacters(GgufMetadata metadata) {
        // SentencePiece joins the pair whose sum has the highest score: the order of the merges.
        Map<String, Float> scores = new HashMap<>();
        for (int rank = 0; rank < merges.size(); rank++) {
            scores.putIfAbsent(merges.get(rank).replace(" ", "").replace('\u0120', ' '), (float) -rank);
        }
        float[] values = new float[tokens.length];
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id].equals(unknown)) {
                types[id] = UNKNOWN;
            } else if (types[id] == NORMAL && tokens[id].matches("<0x[0-9A-F]{2}>")) {
                types[id] = BYTE;
            }
            values[id] = types[id] == NORMAL ? scores.getOrDefault(tokens[id], NEVER_MERGED) : 0;
        }
        metadata.text("tokenizer.ggml.model", "llama").text("tokenizer.ggml.pre", "default");
        metadata.texts("tokenizer.ggml.tokens", Arrays.asList(tokens));
        metadata.reals("tokenizer.ggml.scores", values);
        metadata.wholes("tokenizer.ggml.token_type", types);
        metadata.flag("tokenizer.ggml.add_space_prefix", prefixes(root.path("normalizer"))
                || prefixes(root.path("pre_tokenizer")));
    }

    /** Whether a normalizer or pre-tokenizer puts a space before the text. */
    private static boolean prefixes(JsonNode node) {
        for (JsonNode part : node.path("normalizers")) {
            if (prefixes(part)) {
                return true;
            }
        }
        String type = node.path("type").asText();
        return type.equals("Prepend") || type.equals("Metaspace")
                && !node.path("prepend_scheme").asText(node.path("add_prefix_space").asBoolean(true) ? "always" : "never")
                        .equals("never");
    }
}
