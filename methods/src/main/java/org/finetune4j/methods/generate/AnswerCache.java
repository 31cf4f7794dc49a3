package org.finetune4j.methods.generate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/**
 * Answers on disk, one JSON object a line, each written as soon as it is there, so that whoever was killed goes on
 * after the last one. A line that is damaged, such as one that was half written, counts as not there.
 */
public final class AnswerCache {
    private final Path file;
    private final Map<String, TextAnswer> answers = new HashMap<>();
    private boolean begun;

    /**
     * Reads what the file holds; none need be there.
     *
     * @throws FinetuneException when it cannot be read
     */
    public AnswerCache(Path file) {
        this.file = file;
        if (!Files.isRegularFile(file)) {
            return;
        }
        // Not Files.newBufferedReader, which refuses half a character in a half-written line.
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(Files.newInputStream(file),
                StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                read(line);
            }
        } catch (IOException e) {
            throw new FinetuneException("the answers kept in " + file + " cannot be read: " + e
                    + ". Delete the file, and they are asked for again.", e);
        }
    }

    private void read(String line) {
        try {
            JsonNode node = StrictJson.mapper().readTree(line);
            if (node.path("key").isTextual() && node.path("text").isTextual() && node.path("complete").isBoolean()) {
                answers.put(node.get("key").asText(), new TextAnswer(node.get("text").asText(),
                        node.get("complete").asBoolean(), node.path("promptTokens").asInt(), node.path("newTokens")
                        .asInt()));
            }
        } catch (JsonProcessingException damaged) {
            // It can be asked for again.
        }
    }

    /** What tells requests apart: the model, the conversation, the decoding and the seed. */
    public static String key(String identity, TextRequest request) {
        return Hashes.of(identity + "\n" + request.conversation() + "\n" + request.decoding() + "\n" + request.seed());
    }

    /** The answer that is kept under a key, or null. */
    public @Nullable TextAnswer get(String key) {
        return answers.get(key);
    }

    /**
     * Keeps an answer.
     *
     * @throws FinetuneException when it cannot be written
     */
    public void put(String key, TextAnswer answer) {
        ObjectNode line = StrictJson.mapper().createObjectNode().put("key", key).put("text", answer.text())
                .put("complete", answer.complete()).put("promptTokens", answer.promptTokens())
                .put("newTokens", answer.newTokens());
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            // A line break first ends a line that a killed process left half written; an empty line holds nothing.
            Files.writeString(file, (begun || !Files.exists(file) ? "" : "\n") + line + "\n", StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            begun = true;
        } catch (IOException e) {
            throw new FinetuneException("an answer cannot be written to " + file + ": " + e
                    + ". Make room, or choose another output.", e);
        }
        answers.put(key, answer);
    }
}
