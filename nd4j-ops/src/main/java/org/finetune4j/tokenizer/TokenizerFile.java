package org.finetune4j.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.tokenizer.TokenizerConfiguration.AddedToken;

/**
 * What the tokenizer library is given: {@code tokenizer.json} with the added tokens that only other files name, or one
 * that is made of {@code vocab.json} and {@code merges.txt}.
 *
 * @param file the file named in messages
 * @param json its text
 * @param vocabulary its tokens
 * @param supplied the added tokens that only other files name
 */
record TokenizerFile(Path file, byte[] json, VocabularyReader.Vocabulary vocabulary, List<AddedToken> supplied) {
    static final String VOCABULARY_NAME = "vocab.json";
    static final String MERGES_NAME = "merges.txt";
    private static final long MAXIMUM_BYTES = 500_000_000;
    private static final Set<String> BYTE_LEVEL = Set.of("", "GPT2Tokenizer", "GPT2TokenizerFast", "RobertaTokenizer",
        "RobertaTokenizerFast");

    static TokenizerFile read(Path folder, TokenizerConfiguration configuration) {
        Path file = folder.resolve(Tokenizer.FILE_NAME);
        if (Files.exists(file)) {
            byte[] json = readBytes(file);
            return new TokenizerFile(file, json, VocabularyReader.read(json, file), List.of())
                .with(configuration.addedTokens());
        }
        if (Files.exists(folder.resolve(VOCABULARY_NAME)) && Files.exists(folder.resolve(MERGES_NAME))) {
            return ofMerges(folder, configuration).with(configuration.addedTokens());
        }
        throw new TokenizerException(file + ": there is no such file. " + (Files.exists(folder.resolve("tokenizer.model"))
            ? "Only tokenizer.model is there: convert it once with transformers' save_pretrained."
            : "Give a model folder in the Hugging Face layout."));
    }

    private static byte[] readBytes(Path file) {
        try {
            if (Files.size(file) > MAXIMUM_BYTES) {
                throw new TokenizerException(file + ": it has " + Files.size(file) + " bytes, at most " + MAXIMUM_BYTES
                    + " are expected. Check that this is the right file.");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new TokenizerException(file + ": it cannot be read (" + e.getMessage()
                + "). Check its permissions.", e);
        }
    }

    /** Adds tokens that the file lacks; an older model may name them only beside it. */
    private TokenizerFile with(List<AddedToken> tokens) {
        List<AddedToken> missing = tokens.stream().filter(token -> !vocabulary.ids().containsKey(token.content())).toList();
        if (missing.isEmpty()) {
            return this;
        }
        for (AddedToken token : missing) {
            if (vocabulary.ids().containsValue(token.id())) {
                throw new TokenizerException(file + ": the files beside it add the token '" + token.content() + "' with id "
                    + token.id() + ", which another token has. Take all tokenizer files from the same model.");
            }
        }
        ObjectNode root = StrictJson.parseObject(new String(json, StandardCharsets.UTF_8), file);
        ArrayNode added = root.withArray("added_tokens");
        for (AddedToken token : missing) {
            added.addObject().put("id", token.id()).put("content", token.content()).put("single_word", token.singleWord())
                .put("lstrip", token.leftStrip()).put("rstrip", token.rightStrip()).put("normalized", token.normalized())
                .put("special", token.special());
        }
        return of(file, root, missing);
    }

    private static TokenizerFile of(Path file, ObjectNode root, List<AddedToken> supplied) {
        try {
            byte[] json = StrictJson.mapper().writeValueAsBytes(root);
            return new TokenizerFile(file, json, VocabularyReader.read(json, file), supplied);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }

    /** The byte-level tokenizer of GPT-2 and RoBERTa, which split text alike. */
    private static TokenizerFile ofMerges(Path folder, TokenizerConfiguration configuration) {
        Path file = folder.resolve(VOCABULARY_NAME);
        String kind = configuration.tokenizerClass();
        if (!BYTE_LEVEL.contains(kind)) {
            throw new TokenizerException(folder.resolve(Tokenizer.FILE_NAME) + ": there is no such file, and "
                + VOCABULARY_NAME + " with " + MERGES_NAME + " tells how GPT-2 and RoBERTa split text, not " + kind
                + ". Convert them once with transformers' save_pretrained.");
        }
        ObjectNode root = StrictJson.mapper().createObjectNode().put("version", "1.0");
        root.putArray("added_tokens");
        root.putNull("normalizer");
        root.set("pre_tokenizer", byteLevel(configuration.addsPrefixSpace()));
        root.set("decoder", byteLevel(true));
        ObjectNode model = root.putObject("model").put("type", "BPE").put("byte_fallback", false);
        ObjectNode vocabulary = StrictJson.readObject(file, MAXIMUM_BYTES);
        model.set("vocab", vocabulary);
        ArrayNode rules = model.putArray("merges");
        new String(readBytes(folder.resolve(MERGES_NAME)), StandardCharsets.UTF_8).lines()
            .filter(line -> !line.isBlank() && !line.startsWith("#version")).forEach(rules::add);
        for (String token : Set.copyOf(configuration.specialTokens().values())) {
            if (vocabulary.path(token).canConvertToInt()) {
                root.withArray("added_tokens").addObject().put("id", vocabulary.get(token).intValue()).put("content", token)
                    .put("single_word", false).put("lstrip", token.equals("<mask>")).put("rstrip", false)
                    .put("normalized", false).put("special", true);
            }
        }
        if (kind.startsWith("Roberta")) {
            ObjectNode processor = root.putObject("post_processor").put("type", "RobertaProcessing")
                .put("trim_offsets", false).put("add_prefix_space", configuration.addsPrefixSpace());
            pair(processor.putArray("cls"), "<s>", vocabulary, file);
            pair(processor.putArray("sep"), "</s>", vocabulary, file);
        } else {
            root.putNull("post_processor");
        }
        return of(file, root, List.of());
    }

    private static void pair(ArrayNode node, String token, ObjectNode vocabulary, Path file) {
        if (!vocabulary.path(token).canConvertToInt()) {
            throw new TokenizerException(file + ": it lacks the token '" + token + "', which RoBERTa puts around every text."
                + " Restore the file from where the model came from.");
        }
        node.add(token).add(vocabulary.get(token).intValue());
    }

    private static ObjectNode byteLevel(boolean prefixSpace) {
        return StrictJson.mapper().createObjectNode().put("type", "ByteLevel").put("add_prefix_space", prefixSpace)
            .put("trim_offsets", false).put("use_regex", true);
    }
}
