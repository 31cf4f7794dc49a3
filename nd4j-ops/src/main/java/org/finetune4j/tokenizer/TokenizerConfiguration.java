package org.finetune4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tokenizer_config.json} and the files beside it say.
 *
 * @param specialTokens the texts of the special tokens by their names in templates, such as {@code bos_token}
 * @param addsBegin whether a text without a template begins with the token for it, or null to leave it to the tokenizer
 * @param addsEnd whether a text without a template ends with the token for it, or null to leave it to the tokenizer
 * @param templates the chat templates by name; the usual one is named {@code default}
 * @param addedTokens tokens with their ids, which {@code tokenizer.json} may lack
 * @param tokenizerClass the class of transformers, or an empty text
 * @param addsPrefixSpace whether a text is tokenized as if a space stood in front
 */
record TokenizerConfiguration(Map<String, String> specialTokens, @Nullable Boolean addsBegin, @Nullable Boolean addsEnd,
        Map<String, NamedTemplate> templates, List<AddedToken> addedTokens, String tokenizerClass,
        boolean addsPrefixSpace) {
    static final String SPECIAL_TOKENS_NAME = "special_tokens_map.json";
    static final String ADDED_TOKENS_NAME = "added_tokens.json";
    static final String TEMPLATE_NAME = "chat_template.jinja";
    static final String TEMPLATES_NAME = "additional_chat_templates";
    static final String DEFAULT = "default";
    /** The name of the template for conversations with tools. */
    static final String TOOL_USE = "tool_use";
    private static final long MAXIMUM_BYTES = 50_000_000;
    private static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
        "cls_token", "mask_token");

    /** A chat template and where it is from, for messages. */
    record NamedTemplate(String source, Path file) {}

    /** A token that was added to a trained vocabulary, with the flags of {@code tokenizer.json}. */
    record AddedToken(String content, int id, boolean special, boolean singleWord, boolean leftStrip, boolean rightStrip,
            boolean normalized) {}

    static TokenizerConfiguration read(Path folder) {
        Path file = folder.resolve(Tokenizer.CONFIGURATION_NAME);
        ObjectNode root = readIfThere(file);
        ObjectNode map = readIfThere(folder.resolve(SPECIAL_TOKENS_NAME));
        Map<String, String> tokens = new LinkedHashMap<>();
        for (String name : SPECIAL) {
            String token = token(name, root, map, file);
            if (token != null) {
                tokens.put(name, token);
            }
        }
        return new TokenizerConfiguration(tokens, flag("add_bos_token", root), flag("add_eos_token", root),
            templates(folder, root, file), addedTokens(folder, root, file), root.path("tokenizer_class").asText(""),
            root.path("add_prefix_space").asBoolean(false));
    }

    private static ObjectNode readIfThere(Path file) {
        return Files.exists(file) ? StrictJson.readObject(file, MAXIMUM_BYTES)
            : StrictJson.mapper().createObjectNode();
    }

    private static @Nullable String token(String field, ObjectNode root, ObjectNode map, Path file) {
        JsonNode node = root.hasNonNull(field) ? root.get(field) : map.get(field);
        if (node == null || node.isNull()) {
            return null;
        }
        // Older writers describe the token by an object instead of its text.
        JsonNode text = node.isObject() ? node.get("content") : node;
        if (text == null || !text.isTextual()) {
            throw new TokenizerException(file + ": " + field + " must be a token's text. Restore the file from where the"
                + " model came from.");
        }
        return text.textValue();
    }

    private static @Nullable Boolean flag(String field, ObjectNode root) {
        return root.path(field).isBoolean() ? root.get(field).booleanValue() : null;
    }

    /** Files of their own come before what the configuration holds, as in transformers. */
    private static Map<String, NamedTemplate> templates(Path folder, ObjectNode root, Path file) {
        Map<String, NamedTemplate> templates = new LinkedHashMap<>();
        JsonNode node = root.path("chat_template");
        if (node.isTextual()) {
            templates.put(DEFAULT, new NamedTemplate(node.textValue(), file));
        }
        for (JsonNode named : node.isArray() ? node : List.<JsonNode>of()) {
            if (!named.path("name").isTextual() || !named.path("template").isTextual()) {
                throw new TokenizerException(file + ": chat_template must be a text, or a list of {\"name\", \"template\"}."
                    + " Give one of the two.");
            }
            templates.put(named.get("name").textValue(), new NamedTemplate(named.get("template").textValue(), file));
        }
        Path own = folder.resolve(TEMPLATE_NAME);
        if (Files.isRegularFile(own)) {
            templates.put(DEFAULT, new NamedTemplate(readText(own), own));
        }
        for (Path other : additional(folder)) {
            String name = other.getFileName().toString();
            templates.put(name.substring(0, name.length() - ".jinja".length()), new NamedTemplate(readText(other), other));
        }
        return templates;
    }

    /** The files of further templates, by name. */
    static List<Path> additional(Path folder) {
        Path more = folder.resolve(TEMPLATES_NAME);
        if (!Files.isDirectory(more)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(more)) {
            return files.filter(path -> path.toString().endsWith(".jinja") && Files.isRegularFile(path))
                .sorted(Comparator.comparing(Path::getFileName)).toList();
        } catch (IOException e) {
            throw new TokenizerException(more + ": it cannot be read (" + e.getMessage() + "). Check its permissions.", e);
        }
    }

    private static List<AddedToken> addedTokens(Path folder, ObjectNode root, Path file) {
        Map<String, AddedToken> tokens = new LinkedHashMap<>();
        root.path("added_tokens_decoder").properties().forEach(entry -> {
            JsonNode token = entry.getValue();
            if (!entry.getKey().matches("\\d{1,8}") || !token.path("content").isTextual()) {
                throw new TokenizerException(file + ": added_tokens_decoder must map ids to tokens, but has '"
                    + entry.getKey() + "'. Restore the file from where the model came from.");
            }
            tokens.put(token.get("content").textValue(), new AddedToken(token.get("content").textValue(),
                Integer.parseInt(entry.getKey()), token.path("special").asBoolean(), token.path("single_word").asBoolean(),
                token.path("lstrip").asBoolean(), token.path("rstrip").asBoolean(), token.path("normalized").asBoolean()));
        });
        Path older = folder.resolve(ADDED_TOKENS_NAME);
        readIfThere(older).properties().forEach(entry -> {
            if (!entry.getValue().canConvertToInt() || entry.getValue().intValue() < 0) {
                throw new TokenizerException(older + ": the id of token '" + entry.getKey() + "' is not a number from 0."
                    + " Restore the file from where the model came from.");
            }
            tokens.putIfAbsent(entry.getKey(), new AddedToken(entry.getKey(), entry.getValue().intValue(), true, false,
                false, false, false));
        });
        List<AddedToken> sorted = new ArrayList<>(tokens.values());
        sorted.sort(Comparator.comparingInt(AddedToken::id));
        return sorted;
    }

    private static String readText(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new TokenizerException(file + ": it cannot be read (" + e.getMessage()
                + "). Check its permissions and that it is UTF-8 text.", e);
        }
    }
}
