package org.finetune4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.jinja.JinjaTemplate;
import org.jspecify.annotations.Nullable;

/** Makes of conversations what templates expect: dictionaries with the keys of transformers and OpenAI. */
final class TemplateValues {
    private TemplateValues() {}

    /** A turn; a key that says nothing is left out, except the content, for templates ask whether it is none. */
    static Map<String, @Nullable Object> message(Message message, boolean argumentsAsText) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("role", message.role());
        fields.put("content", message.parts().isEmpty() ? message.content()
            : message.parts().stream().map(TemplateValues::part).toList());
        if (message.reasoning() != null) {
            fields.put("reasoning_content", message.reasoning());
        }
        if (!message.toolCalls().isEmpty()) {
            fields.put("tool_calls", message.toolCalls().stream().map(call -> call(call, argumentsAsText)).toList());
        }
        if (message.toolCallId() != null) {
            fields.put("tool_call_id", message.toolCallId());
        }
        if (message.name() != null) {
            fields.put("name", message.name());
        }
        return fields;
    }

    private static Map<String, @Nullable Object> part(String text) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("type", "text");
        fields.put("text", text);
        return fields;
    }

    private static Map<String, @Nullable Object> call(ToolCall call, boolean argumentsAsText) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        if (call.id() != null) {
            fields.put("id", call.id());
        }
        fields.put("type", "function");
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", call.name());
        Object arguments = plain(call.arguments().toTree());
        function.put("arguments", argumentsAsText ? JinjaTemplate.json(arguments) : arguments);
        fields.put("function", function);
        return fields;
    }

    /** A JSON value as texts, numbers, truth values, lists, dictionaries and null. */
    static @Nullable Object plain(JsonNode node) {
        return switch (node.getNodeType()) {
            case OBJECT -> {
                Map<String, @Nullable Object> fields = new LinkedHashMap<>();
                node.properties().forEach(field -> fields.put(field.getKey(), plain(field.getValue())));
                yield fields;
            }
            case ARRAY -> {
                List<@Nullable Object> elements = new ArrayList<>();
                node.forEach(element -> elements.add(plain(element)));
                yield elements;
            }
            case STRING -> node.textValue();
            case BOOLEAN -> node.booleanValue();
            case NUMBER -> node.isIntegralNumber() ? (node.canConvertToLong() ? (Object) node.longValue()
                : node.bigIntegerValue()) : (Object) node.doubleValue();
            default -> null;
        };
    }
}
