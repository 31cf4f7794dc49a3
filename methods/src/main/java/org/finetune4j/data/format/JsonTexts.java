package org.finetune4j.data.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.finetune4j.checkpoint.StrictJson;

/** JSON inside texts, as tables and tool calls hold it. */
final class JsonTexts {
    private JsonTexts() {
    }

    static JsonNode parse(RecordParts parts, String text, String place) {
        try {
            return StrictJson.mapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw parts.refused(place + " that is not JSON (" + e.getOriginalMessage() + "): "
                    + text.substring(0, Math.min(60, text.length())), "Correct it");
        }
    }
}
