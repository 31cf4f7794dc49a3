package org.finetune4j.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.finetune4j.checkpoint.StrictJson;

/** Reads the tokens of {@code tokenizer.json} by id, as a stream, because the file can have hundreds of thousands. */
final class VocabularyReader {
    /** Larger than any vocabulary in use; a file with such an id is damaged. */
    private static final int MAXIMUM_ID = 10_000_000;

    private final Path file;
    private final Map<String, Integer> ids = new HashMap<>();
    private final Set<Integer> addedIds = new HashSet<>();
    private JsonNode decoder = MissingNode.getInstance();

    private VocabularyReader(Path file) {
        this.file = file;
    }

    /**
     * The tokens of a file.
     *
     * @param ids every token's id, added tokens included
     * @param addedIds the ids of those that were added to the trained vocabulary, which are never split or merged
     * @param decoder how the spelling of tokens becomes text, as the file says it; missing where it says nothing
     */
    record Vocabulary(Map<String, Integer> ids, Set<Integer> addedIds, JsonNode decoder) {}

    static Vocabulary read(byte[] json, Path file) {
        VocabularyReader reader = new VocabularyReader(file);
        try (JsonParser parser = StrictJson.parser(json)) {
            reader.readRoot(parser);
        } catch (JsonProcessingException e) {
            throw new TokenizerException(file + ": it is not valid JSON at line " + e.getLocation().getLineNr() + " ("
                + e.getOriginalMessage() + "). Restore the file from where the model came from.", e);
        } catch (IOException e) {
            throw reader.refused("it cannot be read (" + e.getMessage() + ")");
        }
        if (reader.ids.isEmpty()) {
            throw reader.refused("it holds no vocabulary");
        }
        return new Vocabulary(reader.ids, reader.addedIds, reader.decoder);
    }

    private void readRoot(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw refused("it must hold one JSON object");
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            if (field.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                while (parser.nextToken() == JsonToken.START_OBJECT) {
                    readAddedToken(parser);
                }
            } else if (field.equals("model") && value == JsonToken.START_OBJECT) {
                readModel(parser);
            } else if (field.equals("decoder") && value == JsonToken.START_OBJECT) {
                decoder = StrictJson.mapper().reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readTree(parser);
            } else {
                parser.skipChildren();
            }
        }
    }

    private void readAddedToken(JsonParser parser) throws IOException {
        String content = null;
        int id = -1;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            if (field.equals("content") && value == JsonToken.VALUE_STRING) {
                content = parser.getText();
            } else if (field.equals("id") && value == JsonToken.VALUE_NUMBER_INT) {
                id = parser.getIntValue();
            } else {
                parser.skipChildren();
            }
        }
        if (content == null) {
            throw refused("an added token lacks its content");
        }
        add(content, id);
        addedIds.add(id);
    }

    private void readModel(JsonParser parser) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String token = parser.currentName();
                    add(token, parser.nextToken() == JsonToken.VALUE_NUMBER_INT ? parser.getIntValue() : -1);
                }
            } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
                readScoredPieces(parser);
            } else {
                parser.skipChildren();
            }
        }
    }

    /** A unigram vocabulary is a list of pieces with their scores, in the order of their ids. */
    private void readScoredPieces(JsonParser parser) throws IOException {
        for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
            parser.nextToken();
            add(parser.getText(), id);
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                parser.skipChildren();
            }
        }
    }

    private void add(String token, int id) {
        if (id < 0 || id > MAXIMUM_ID) {
            throw refused("the id of token '" + token + "' is not a number from 0 to " + MAXIMUM_ID);
        }
        ids.put(token, id);
    }

    private TokenizerException refused(String found) {
        return new TokenizerException(file + ": " + found + ". Restore the file from where the model came from.");
    }
}
