package org.finetune4j.data.read;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a JSON array, or of the one array that an object holds, one at a time. What stands beside the array is
 * not read, but two arrays are refused.
 */
final class JsonArrayRecords implements RecordStream {
    private static final ObjectReader ONE_OF_MANY = StrictJson.mapper().reader()
            .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final Path path;
    private final String name;
    private final JsonParser parser;
    private final @Nullable String field;
    private int number;
    private boolean ended;

    JsonArrayRecords(Path path, String name, InputStream in) {
        this.path = path;
        this.name = name;
        try {
            parser = StrictJson.mapper().createParser(in);
        } catch (IOException e) {
            throw DataFile.unreadable(path, e);
        }
        field = reading(this::begin);
    }

    @Override
    public @Nullable RawRecord next() {
        return ended ? null : reading(this::read);
    }

    private @Nullable RawRecord read() throws IOException {
        JsonToken token = parser.nextToken();
        if (token == JsonToken.END_ARRAY) {
            ended = true;
            end();
            return null;
        }
        number++;
        String place = path + ":" + parser.currentTokenLocation().getLineNr() + " (record " + number + ")";
        JsonNode node = ONE_OF_MANY.readTree(parser);
        if (!(node instanceof ObjectNode object)) {
            throw new FinetuneException(place + " is " + node + ", not a JSON object. Every record is an object "
                    + "{...}.");
        }
        return new RawRecord(object, name + ":" + number, place);
    }

    /** Goes into the array; the name of its field is returned where an object holds it. */
    private @Nullable String begin() throws IOException {
        JsonToken first = parser.nextToken();
        if (first == JsonToken.START_ARRAY) {
            return null;
        }
        if (first == null) {
            ended = true;
            return null;
        }
        if (first == JsonToken.START_OBJECT) {
            List<String> fields = new ArrayList<>();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String found = parser.currentName();
                if (parser.nextToken() == JsonToken.START_ARRAY) {
                    return found;
                }
                fields.add(found);
                parser.skipChildren();
            }
            throw new FinetuneException(path + " holds one object with the fields " + fields
                    + ", none of which is a list of records. Write [{...}, ...], or use jsonl(...) for one object a "
                    + "line.");
        }
        throw new FinetuneException(path + " holds " + parser.getText()
                + ", but records are objects in an array. Write [{...}, ...].");
    }

    private void end() throws IOException {
        while (field != null && parser.nextToken() == JsonToken.FIELD_NAME) {
            String other = parser.currentName();
            if (parser.nextToken() == JsonToken.START_ARRAY) {
                throw new FinetuneException(path + " holds two lists, '" + field + "' and '" + other
                        + "', and does not tell which of them are the records. Keep one of them in the file.");
            }
            parser.skipChildren();
        }
        if (parser.nextToken() != null) {
            throw new FinetuneException(path + ":" + parser.currentTokenLocation().getLineNr()
                    + " goes on behind the end of its records. A file holds one array; use jsonl(...) for one object "
                    + "a line.");
        }
    }

    private interface Reading<T> {
        T read() throws IOException;
    }

    private <T extends @Nullable Object> T reading(Reading<T> part) {
        try {
            return part.read();
        } catch (JsonProcessingException e) {
            String place = e.getLocation() == null ? path.toString() : path + ":" + e.getLocation().getLineNr() + ":"
                    + e.getLocation().getColumnNr();
            throw new FinetuneException(place + " is not JSON: " + JsonRecords.reason(e)
                    + ". Correct the file" + (number == 0 ? "" : " (record " + number + ")") + ".", e);
        } catch (IOException e) {
            throw DataFile.unreadable(path, e);
        }
    }

    @Override
    public void close() {
        try {
            parser.close();
        } catch (IOException e) {
            throw DataFile.unreadable(path, e);
        }
    }
}
