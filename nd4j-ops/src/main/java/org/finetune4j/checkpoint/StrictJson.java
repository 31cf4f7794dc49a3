package org.finetune4j.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** JSON reading that refuses duplicate keys, deep nesting and over-long files, before any of them costs memory. */
public final class StrictJson {
    /** The deepest nesting accepted; real model files need fewer than ten levels. */
    static final int MAXIMUM_DEPTH = 64;

    private static final int MAXIMUM_STRING = 20_000_000;
    private static final JsonFactory FACTORY = JsonFactory.builder()
        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .streamReadConstraints(StreamReadConstraints.builder()
            .maxNestingDepth(MAXIMUM_DEPTH)
            .maxStringLength(MAXIMUM_STRING)
            .maxNumberLength(64)
            .build())
        .build();
    private static final JsonMapper MAPPER = JsonMapper.builder(FACTORY)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();

    private StrictJson() {}

    static JsonParser parser(char[] text, int offset, int length) throws IOException {
        return FACTORY.createParser(text, offset, length);
    }

    /** Opens a token stream over UTF-8 JSON, for texts too large to hold as a tree. */
    public static JsonParser parser(byte[] json) throws IOException {
        return FACTORY.createParser(json);
    }

    /** Returns the mapper that reads and writes trees under the same limits. */
    public static JsonMapper mapper() {
        return MAPPER;
    }

    /**
     * Reads a file that holds one JSON object.
     *
     * @param file the file
     * @param maximumBytes the longest file accepted
     * @throws CheckpointException if it is missing, too long, or not one valid JSON object
     */
    public static ObjectNode readObject(Path file, long maximumBytes) {
        try {
            long length = Files.size(file);
            if (length > maximumBytes) {
                throw new CheckpointException(file, "it has " + length + " bytes, at most " + maximumBytes
                    + " are expected", "Check that this is the right file");
            }
            return parseObject(Files.readString(file), file);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(file, "there is no such file",
                "Give a folder in the Hugging Face layout that holds it", e);
        } catch (IOException e) {
            throw new CheckpointException(file, "it cannot be read (" + e.getMessage() + ")",
                "Check the file's permissions and that it is UTF-8 text", e);
        }
    }

    /**
     * Parses a text that holds one JSON object.
     *
     * @param text the JSON
     * @param origin the file named in messages
     * @throws CheckpointException if it is not one valid JSON object
     */
    public static ObjectNode parseObject(String text, Path origin) {
        try {
            JsonNode node = MAPPER.readTree(text);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new CheckpointException(origin, "it must hold one JSON object", "Restore the file from its source");
        } catch (JsonProcessingException e) {
            String place = e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr() + ", column "
                + e.getLocation().getColumnNr();
            throw new CheckpointException(origin, "it is not valid JSON" + place + " (" + e.getOriginalMessage() + ")",
                "Restore the file from its source", e);
        }
    }
}
