package org.finetune4j.data.read;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;

/** Parses the JSON of single records, and says what is wrong with it and where. */
final class JsonRecords {
    private static final int EXCERPT = 40;
    private static final ObjectReader STRICT = StrictJson.mapper().reader();
    /** DuckDB writes numbers that are none, which other fields than those that are read may well hold. */
    private static final ObjectReader LENIENT = STRICT.with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS);

    private JsonRecords() {
    }

    /** The object that a text of a file holds. */
    static ObjectNode parse(String place, String text) {
        return parse(STRICT, place, text);
    }

    /** The object that a row of a query was written as. */
    static ObjectNode parseRow(String place, String text) {
        return parse(LENIENT, place, text);
    }

    private static ObjectNode parse(ObjectReader reader, String place, String text) {
        try {
            JsonNode node = reader.readTree(text);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new FinetuneException(place + " is " + text.strip().substring(0, 1)
                    + "..., not a JSON object. Write one {...} a line; a JSON array spread over lines belongs in a file"
                    + " that is read by json(...). The line reads: " + excerpt(text, 1));
        } catch (JsonProcessingException e) {
            int column = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getColumnNr());
            throw new FinetuneException(place + ":" + column + " is not JSON: " + reason(e)
                    + ". Correct or remove the line; near column " + column + " it reads: " + excerpt(text, column), e);
        }
    }

    /** What the parser says, without places, which are told before it. */
    static String reason(JsonProcessingException e) {
        return e.getOriginalMessage().replaceFirst(" \\(start marker at .*", "");
    }

    /** The characters around a 1-based column, at most {@value #EXCERPT} to each side. */
    private static String excerpt(String text, int column) {
        int middle = Math.min(column - 1, text.length());
        int from = Math.max(0, middle - EXCERPT);
        int to = Math.min(text.length(), middle + EXCERPT);
        return (from > 0 ? "..." : "") + text.substring(from, to) + (to < text.length() ? "..." : "");
    }
}
