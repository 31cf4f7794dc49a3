package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Templates against Python's Jinja2, and what they say when they fail. */
class ChatTemplateTest {
    static Stream<Arguments> pythonCases() throws IOException {
        JsonNode cases = new ObjectMapper().readTree(
            ChatTemplateTest.class.getResourceAsStream("/tokenizer/template-cases.json"));
        return StreamSupport.stream(cases.spliterator(), false)
            .map(node -> Arguments.of(node.get("name").asText(), node));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("pythonCases")
    void rendersAsPythonDoes(String name, JsonNode node) {
        List<Message> messages = new ArrayList<>();
        node.get("messages").forEach(message ->
            messages.add(new Message(message.get("role").asText(), message.get("content").asText())));
        ChatTemplate template = ChatTemplate.of(node.get("template").asText(), "test", "<s>", "</s>");
        boolean prompt = node.get("addGenerationPrompt").asBoolean();
        if (node.has("refusal")) {
            String message = assertThrows(ChatTemplateException.class, () -> template.render(messages, prompt))
                .getMessage();
            assertTrue(message.contains(node.get("refusal").asText()), message);
        } else {
            assertEquals(node.get("expected").asText(), template.render(messages, prompt));
        }
    }
}
