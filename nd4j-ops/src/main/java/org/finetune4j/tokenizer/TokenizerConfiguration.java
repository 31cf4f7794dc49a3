package org.finetune4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tokenizer_config.json} and the files beside it say.
 *
 * @param beginToken the token of the beginning of a text, or null
 * @param endToken the token of the end of a text, or null
 * @param paddingToken the token that fills a batch, or null
 * @param chatTemplate the Jinja source, or null
 * @param templateFile where the template is from, for messages
 */
record TokenizerConfiguration(@Nullable String beginToken, @Nullable String endToken, @Nullable String paddingToken,
        @Nullable String chatTemplate, Path templateFile) {
    static final String SPECIAL_TOKENS_NAME = "special_tokens_map.json";
    static final String TEMPLATE_NAME = "chat_template.jinja";
    private static final long MAXIMUM_BYTES = 50_000_000;

    static TokenizerConfiguration read(Path folder) {
        Path file = folder.resolve(Tokenizer.CONFIGURATION_NAME);
        ObjectNode root = readIfThere(file);
        ObjectNode map = readIfThere(folder.resolve(SPECIAL_TOKENS_NAME));
        Path templateFile = folder.resolve(TEMPLATE_NAME);
        boolean ownFile = Files.isRegularFile(templateFile);
        return new TokenizerConfiguration(token("bos_token", root, map, file), token("eos_token", root, map, file),
            token("pad_token", root, map, file), ownFile ? readText(templateFile) : template(root, file),
            ownFile ? templateFile : file);
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

    private static @Nullable String template(ObjectNode root, Path file) {
        JsonNode node = root.get("chat_template");
        if (node == null || node.isNull()) {
            return null;
        }
        if (node.isTextual()) {
            return node.textValue();
        }
        for (JsonNode named : node) {
            if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
                return named.get("template").textValue();
            }
        }
        throw new TokenizerException(file + ": chat_template must be a text, or a list with a template named 'default'."
            + " Give one of the two.");
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
