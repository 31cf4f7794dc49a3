package org.finetune4j.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.finetune4j.checkpoint.StrictJson;

/**
 * An immutable JSON value: a tool's definition, the arguments of a call, or a template's variable. Two are equal if
 * they are written alike; the order of fields, which models read, is kept.
 *
 * @param text the value, written without blanks
 */
public record JsonText(String text) {
    /**
     * Checks the value and takes its blanks out.
     *
     * @throws ConversationException if it is not one JSON value, names a field twice or is nested deeper than 64 levels
     */
    public JsonText {
        text = parse(text).toString();
    }

    /** Returns a tree as an immutable value. */
    public static JsonText of(JsonNode node) {
        return new JsonText(node.toString());
    }

    /** Returns a text as a JSON value. */
    public static JsonText string(String text) {
        return of(StrictJson.mapper().getNodeFactory().textNode(text));
    }

    /** Returns a truth value as a JSON value. */
    public static JsonText bool(boolean value) {
        return new JsonText(String.valueOf(value));
    }

    /** Returns the value as a new tree, which the caller owns. */
    public JsonNode toTree() {
        return parse(text);
    }

    private static JsonNode parse(String text) {
        try {
            JsonNode node = StrictJson.mapper().readTree(text);
            if (node == null || node.isMissingNode()) {
                throw new ConversationException("a JSON value is expected, but the text is empty. Give a value.");
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new ConversationException("this is not valid JSON (" + e.getOriginalMessage() + "): "
                + text.substring(0, Math.min(80, text.length())) + ". Repair it.");
        }
    }
}
