package org.finetune4j.methods.data.exam;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * What a teacher is asked to put an explanation into the fields of {@link Explanation#IRAC}, without adding anything:
 * the conversation, the schema its answer must obey, and how the answer is read.
 */
public final class IracDistillation {
    /** The temperature at which the teacher is asked. */
    public static final double TEMPERATURE = 0.2;
    /** The longest answer in tokens. */
    public static final int LONGEST = 1024;

    private static final String INSTRUCTION =
            "Reorganise the explanation of a legal question into four fields: the legal "
            + "concept it is about, the analysis of the facts, the application of the rule to them, and the "
            + "conclusion. Use "
            + "only what the explanation says, and add nothing. Answer with one JSON object with the text fields "
            + String.join(", ", Explanation.IRAC) + ".";

    private IracDistillation() {
    }

    /** An example for the teacher. */
    public record Shot(ExamItem item, Explanation structured) {
    }

    /** The JSON schema of the answer. */
    public static String schema() {
        ObjectNode schema = StrictJson.mapper().createObjectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = StrictJson.mapper().createArrayNode();
        for (String field : Explanation.IRAC) {
            properties.putObject(field).put("type", "string");
            required.add(field);
        }
        schema.set("required", required);
        return schema.put("additionalProperties", false).toString();
    }

    /** The conversation that asks for an item, with examples before it. */
    public static List<Message> conversation(ExamItem item, List<Shot> shots) {
        List<Message> turns = new ArrayList<>(List.of(Message.system(INSTRUCTION)));
        for (Shot shot : shots) {
            turns.add(Message.user(asked(shot.item())));
            turns.add(Message.assistant(StrictJson.mapper().valueToTree(shot.structured().parts()).toString()));
        }
        turns.add(Message.user(asked(item)));
        return turns;
    }

    private static String asked(ExamItem item) {
        return item.asked() + "\nCorrect answer: " + item.letter() + "\nExplanation: "
                + String.join("\n", item.explanation().parts().values());
    }

    /**
     * The explanation in a teacher's answer, or null where its JSON object is not exactly the four texts, none of them
     * blank; what stands around the object does not count.
     */
    public static @Nullable Explanation read(String answer) {
        int from = answer.indexOf('{');
        int to = answer.lastIndexOf('}');
        if (from < 0 || to < from) {
            return null;
        }
        try {
            String object = answer.substring(from, to + 1);
            JsonNode tree = StrictJson.mapper().readTree(object);
            Map<String, String> parts = new LinkedHashMap<>();
            for (String field : Explanation.IRAC) {
                JsonNode text = tree.path(field);
                if (!text.isTextual() || text.asText().isBlank()) {
                    return null;
                }
                parts.put(field, text.asText());
            }
            return tree.size() == parts.size() ? new Explanation(parts) : null;
        } catch (JsonProcessingException e) {
            return null;
        }
    }
}
