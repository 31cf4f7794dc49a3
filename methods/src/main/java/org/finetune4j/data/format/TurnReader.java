package org.finetune4j.data.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.tokenizer.JsonText;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.ToolCall;
import org.jspecify.annotations.Nullable;

/**
 * Reads lists of turns, as OpenAI ({@code role}, {@code content}) or as ShareGPT ({@code from}, {@code value}) writes
 * them.
 */
final class TurnReader {
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");
    private static final String CALL = "function_call";
    private static final Map<String, String> SPEAKERS = Map.ofEntries(Map.entry("system", "system"),
            Map.entry("human", "user"), Map.entry("user", "user"),
            Map.entry("gpt", Message.ASSISTANT), Map.entry("assistant", Message.ASSISTANT),
            Map.entry("chatgpt", Message.ASSISTANT), Map.entry("model", Message.ASSISTANT),
            Map.entry("tool", "tool"), Map.entry("observation", "tool"), Map.entry("function_response", "tool"),
            Map.entry(CALL, CALL));
    private static final List<String> REASONING = List.of("reasoning_content", "reasoning", "thinking");

    private final RecordParts parts;

    TurnReader(RecordParts parts) {
        this.parts = parts;
    }

    /** The turns of a list that is not empty. */
    List<Message> turns(JsonNode value, String name) {
        JsonNode turns = parts.list(value, "'" + name + "'", "Give a list of {\"role\", \"content\"} with at least "
                + "one turn");
        List<Message> messages = new ArrayList<>();
        for (JsonNode turn : turns) {
            String place = name + "[" + messages.size() + "]";
            messages.add(turn.has("from") && !turn.has("role") ? shared(turn, place) : openAi(turn, place));
        }
        return messages;
    }

    private Message shared(JsonNode turn, String place) {
        String speaker = turn.path("from").asText("");
        String role = SPEAKERS.get(speaker);
        if (role == null) {
            throw parts.refused(place + ".from that is '" + speaker + "'",
                    "ShareGPT's speakers are human, gpt, system, tool, function_call and observation");
        }
        if (role.equals(CALL) || role.equals(Message.ASSISTANT)) {
            refuseWeights(turn, place);
            refuseLost(turn, place, "tool_calls", "ShareGPT writes every call as a turn from 'function_call'");
        }
        if (role.equals(CALL)) {
            String text = words(turn.path("value"), place + ".value", false);
            JsonNode calls = JsonTexts.parse(parts, text, place + ".value");
            List<ToolCall> list = new ArrayList<>();
            for (JsonNode call : calls.isArray() ? calls : List.of(calls)) {
                list.add(call(call, place + ".value"));
            }
            return new Message(Message.ASSISTANT, null).withToolCalls(list);
        }
        return new Message(role, words(turn.path("value"), place + ".value", role.equals(Message.ASSISTANT)));
    }

    private Message openAi(JsonNode turn, String place) {
        String role = turn.path("role").asText("");
        if (!ROLES.contains(role)) {
            throw parts.refused(place + " with the role '" + role + "'", "Roles are system, user, assistant and tool");
        }
        refuseWeights(turn, place);
        refuseLost(turn, place, CALL, "Write the call as \"tool_calls\": [{\"function\": {\"name\", \"arguments\"}}]");
        List<ToolCall> calls = calls(turn.path("tool_calls"), place + ".tool_calls");
        String reasoning = REASONING.stream().map(turn::path).filter(JsonNode::isTextual).map(JsonNode::asText)
                .findFirst()
                .orElse(null);
        JsonNode content = turn.path("content");
        boolean speaks = role.equals(Message.ASSISTANT);
        Message message;
        if (content.isArray()) {
            message = Message.ofParts(role, texts(content, place + ".content"));
        } else if ((content.isNull() || content.isMissingNode()) && !calls.isEmpty()) {
            message = new Message(role, null);
        } else {
            message = new Message(role, words(content, place + ".content", speaks && calls.isEmpty()));
        }
        if (speaks && calls.isEmpty() && message.text().isBlank()) {
            throw parts.refused(place + ".content that is empty", "Give the turn's text; an assistant's turn must "
                    + "not be empty");
        }
        return new Message(message.role(), message.content(), message.parts(), reasoning, calls,
                optional(turn, "tool_call_id"), optional(turn, "name"));
    }

    /** Marks that others train by, which would change what is learned if nobody looked at them. */
    private void refuseWeights(JsonNode turn, String place) {
        JsonNode weight = turn.path("weight");
        for (String mark : List.of("train", "training")) {
            JsonNode given = turn.path(mark);
            if ((given.isBoolean() || given.isNumber()) && given.asDouble() != 1) {
                weight = given;
            }
        }
        if (!weight.isMissingNode() && !weight.isNull() && !(weight.isNumber() && weight.asDouble() == 1)) {
            throw parts.refused(place + " with a weight of its own (" + weight + ")",
                    "Every assistant's turn is learned alike here; cut the conversation into records, or remove the "
                    + "weight");
        }
    }

    /** Calls under a name that this kind of turn does not have, which would be lost if nobody looked at them. */
    private void refuseLost(JsonNode turn, String place, String name, String mend) {
        JsonNode lost = turn.path(name);
        if (!lost.isMissingNode() && !lost.isNull() && !lost.isEmpty() || lost.isTextual()) {
            throw parts.refused(place + " with '" + name + "'", mend);
        }
    }

    private String words(JsonNode content, String place, boolean filled) {
        if (!content.isTextual() || filled && content.asText().isBlank()) {
            throw parts.refused(place + " that is " + RecordParts.kind(content),
                    "Give the turn's text; an assistant's turn must not be empty");
        }
        return content.asText();
    }

    private List<String> texts(JsonNode list, String place) {
        List<String> texts = new ArrayList<>();
        for (JsonNode part : list) {
            String type = part.path("type").asText("text");
            JsonNode text = part.isTextual() ? part : part.path("text");
            if (!type.equals("text") || !text.isTextual()) {
                throw parts.refused(place + "[" + texts.size() + "] of the type '" + type + "'",
                        "Models of language read texts alone; remove the part or the record");
            }
            texts.add(text.asText());
        }
        return texts;
    }

    private List<ToolCall> calls(JsonNode value, String place) {
        if (value.isMissingNode() || value.isNull()) {
            return List.of();
        }
        List<ToolCall> calls = new ArrayList<>();
        if (!value.isArray()) {
            throw parts.refused(place + " that is " + RecordParts.kind(value), "Give a list of calls");
        }
        for (JsonNode call : value) {
            calls.add(call(call, place + "[" + calls.size() + "]"));
        }
        return calls;
    }

    private ToolCall call(JsonNode call, String place) {
        JsonNode function = call.path("function").isObject() ? call.path("function") : call;
        String name = function.path("name").asText("");
        JsonNode arguments = function.path("arguments");
        if (name.isBlank() || arguments.isMissingNode()) {
            throw parts.refused(place + " without a name or arguments",
                    "A call is {\"function\": {\"name\", \"arguments\"}}, or {\"name\", \"arguments\"}");
        }
        JsonNode given = arguments.isTextual() ? JsonTexts.parse(parts, arguments.asText(), place + ".arguments")
                : arguments;
        return new ToolCall(name, JsonText.of(given), optional(call, "id"));
    }

    /** The tools that a record offers: a list, or the text of one. */
    List<JsonText> tools() {
        JsonNode value = parts.value(Part.TOOLS);
        if (value == null || value.isNull() || value.isTextual() && value.asText().isBlank()
                || value.isArray() && value.isEmpty()) {
            return List.of();
        }
        List<JsonText> tools = new ArrayList<>();
        for (JsonNode tool : parts.list(value, parts.quoted(Part.TOOLS), "Give a list of tool definitions")) {
            JsonNode definition = tool.isTextual() ? JsonTexts.parse(parts, tool.asText(), parts.quoted(Part.TOOLS))
                    : tool;
            if (!definition.isObject()) {
                throw parts.refused(parts.quoted(Part.TOOLS) + "[" + tools.size() + "] that is "
                        + RecordParts.kind(definition), "A tool is {\"type\": \"function\", \"function\": {...}}");
            }
            tools.add(JsonText.of(definition));
        }
        return tools;
    }

    private static @Nullable String optional(JsonNode node, String name) {
        return node.path(name).isTextual() ? node.path(name).asText() : null;
    }
}
