package org.finetune4j.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/** A trained byte-level vocabulary, which is written in the Hugging Face layout. */
public final class BytePairVocabulary {
    /** Two tokens that become one, spelled in the byte alphabet. */
    record Merge(String left, String right) {}

    private final List<String> specialTokens;
    private final List<String> tokens;
    private final List<Merge> merges;
    private final boolean splitDigits;

    BytePairVocabulary(List<String> specialTokens, List<String> tokens, List<Merge> merges, boolean splitDigits) {
        this.specialTokens = List.copyOf(specialTokens);
        this.tokens = List.copyOf(tokens);
        this.merges = List.copyOf(merges);
        this.splitDigits = splitDigits;
    }

    /** Returns the number of tokens. */
    public int size() {
        return tokens.size();
    }

    /**
     * Writes {@code tokenizer.json} and {@code tokenizer_config.json} into a folder, which is made if need be.
     *
     * @param folder the model folder
     * @param settings special tokens and chat template
     * @throws IllegalArgumentException if a named token is not one of the special tokens
     * @throws org.finetune4j.checkpoint.CheckpointException if a file cannot be written
     */
    public void save(Path folder, TokenizerSettings settings) {
        AtomicFiles files = AtomicFiles.onDisk();
        ObjectNode configuration = configuration(settings);
        files.writeText(folder.resolve(Tokenizer.FILE_NAME), print(tokenizer()));
        files.writeText(folder.resolve(Tokenizer.CONFIGURATION_NAME), print(configuration));
    }

    private ObjectNode tokenizer() {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        for (int id = 0; id < specialTokens.size(); id++) {
            addedToken(added.addObject().put("id", id), specialTokens.get(id));
        }
        root.putNull("normalizer");
        ObjectNode bytes = StrictJson.mapper().createObjectNode().put("type", "ByteLevel")
            .put("add_prefix_space", false).put("trim_offsets", false).put("use_regex", true);
        if (splitDigits) {
            ArrayNode sequence = root.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
            sequence.addObject().put("type", "Digits").put("individual_digits", true);
            sequence.add(bytes);
        } else {
            root.set("pre_tokenizer", bytes);
        }
        root.putNull("post_processor");
        root.set("decoder", bytes);
        ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").putNull("unk_token")
            .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", false)
            .put("byte_fallback", false).put("ignore_merges", false);
        ObjectNode vocabulary = model.putObject("vocab");
        for (int id = 0; id < tokens.size(); id++) {
            vocabulary.put(tokens.get(id), id);
        }
        ArrayNode rules = model.putArray("merges");
        // The byte alphabet has no space, so a space can part the two sides.
        merges.forEach(merge -> rules.add(merge.left + " " + merge.right));
        return root;
    }

    private ObjectNode configuration(TokenizerSettings settings) {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.put("tokenizer_class", "PreTrainedTokenizerFast");
        putToken(root, "bos_token", settings.beginToken());
        putToken(root, "eos_token", settings.endToken());
        putToken(root, "pad_token", settings.paddingToken());
        root.putNull("unk_token");
        ObjectNode added = root.putObject("added_tokens_decoder");
        for (int id = 0; id < specialTokens.size(); id++) {
            addedToken(added.putObject(String.valueOf(id)), specialTokens.get(id));
        }
        root.put("add_bos_token", false).put("add_prefix_space", false).put("clean_up_tokenization_spaces", false)
            .put("model_max_length", settings.maximumLength());
        if (settings.chatTemplate() != null) {
            root.put("chat_template", settings.chatTemplate());
        }
        return root;
    }

    private static void addedToken(ObjectNode node, String content) {
        node.put("content", content).put("single_word", false).put("lstrip", false).put("rstrip", false)
            .put("normalized", false).put("special", true);
    }

    private void putToken(ObjectNode root, String field, @Nullable String token) {
        if (token != null && !specialTokens.contains(token)) {
            throw new IllegalArgumentException(field + " '" + token + "' is not one of the special tokens "
                + specialTokens + ": train the vocabulary with it");
        }
        root.put(field, token);
    }

    private static String print(ObjectNode root) {
        try {
            return StrictJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }
}
