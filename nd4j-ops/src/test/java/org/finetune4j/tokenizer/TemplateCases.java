package org.finetune4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What Python's Jinja2 makes of templates and conversations, as make_template_cases.py wrote it, and ours beside it. */
final class TemplateCases {
    private final JsonNode root;
    final Map<String, String> specialTokens = new LinkedHashMap<>();
    private final Map<String, ChatTemplate> templates = new LinkedHashMap<>();

    TemplateCases(JsonNode root) {
        this.root = root;
        root.get("specialTokens").properties().forEach(token ->
            specialTokens.put(token.getKey(), token.getValue().asText()));
    }

    List<JsonNode> cases() {
        List<JsonNode> cases = new ArrayList<>();
        root.get("cases").forEach(cases::add);
        return cases;
    }

    List<ChatTemplate> templates() {
        List<ChatTemplate> all = new ArrayList<>();
        root.get("templates").properties().forEach(template ->
            all.add(ChatTemplate.of(template.getValue().asText(), template.getKey(), specialTokens)));
        return all;
    }

    static String name(JsonNode node) {
        return node.get("template").asText() + " / " + node.get("conversation").asText() + " / "
            + (node.get("prompt").asBoolean() ? "prompt" : "whole");
    }

    /** What ours differs in, or an empty text. */
    String difference(JsonNode node) {
        String rendered;
        try {
            ChatTemplate template = templates.computeIfAbsent(node.get("template").asText(), name ->
                ChatTemplate.of(root.get("templates").get(name).asText(), name, specialTokens));
            rendered = template.render(conversation(root.get("conversations").get(node.get("conversation").asText())),
                node.get("prompt").asBoolean());
        } catch (ChatTemplateException e) {
            if (node.has("refusal")) {
                return e.getMessage().contains("refuses it: " + node.get("refusal").asText()) ? ""
                    : "another refusal: " + e.getMessage();
            }
            return node.has("failure") ? "" : "it fails: " + e.getMessage();
        }
        return !node.has("expected") ? "it does not fail: " + node : rendered.equals(node.get("expected").asText()) ? ""
            : "it renders " + rendered + "\n---- in place of " + node.get("expected").asText();
    }

    static Conversation conversation(JsonNode node) {
        List<Message> messages = new ArrayList<>();
        node.get("messages").forEach(message -> messages.add(message(message)));
        List<JsonText> tools = new ArrayList<>();
        node.path("tools").forEach(tool -> tools.add(JsonText.of(tool)));
        Map<String, JsonText> variables = new LinkedHashMap<>();
        node.path("variables").properties().forEach(variable ->
            variables.put(variable.getKey(), JsonText.of(variable.getValue())));
        return new Conversation(messages, tools, variables);
    }

    private static Message message(JsonNode node) {
        List<String> parts = new ArrayList<>();
        String content = node.get("content").textValue();
        if (node.get("content").isArray()) {
            node.get("content").forEach(part -> parts.add(part.get("text").asText()));
            content = String.join("", parts);
        }
        List<ToolCall> calls = new ArrayList<>();
        node.path("tool_calls").forEach(call -> calls.add(new ToolCall(call.get("function").get("name").asText(),
            JsonText.of(call.get("function").get("arguments")), call.path("id").textValue())));
        return new Message(node.get("role").asText(), content, parts, node.path("reasoning_content").textValue(), calls,
            node.path("tool_call_id").textValue(), node.path("name").textValue());
    }
}
