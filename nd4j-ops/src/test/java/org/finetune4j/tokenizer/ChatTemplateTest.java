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
            String message = assertThrows(ChatTemplateException.class, () -> template.render(Conversation.of(messages), prompt))
                .getMessage();
            assertTrue(message.contains(node.get("refusal").asText()), message);
        } else {
            assertEquals(node.get("expected").asText(), template.render(Conversation.of(messages), prompt));
        }
    }

    private static ChatTemplateException failure(String source, Message... messages) {
        return assertThrows(ChatTemplateException.class,
            () -> ChatTemplate.of(source, "tokenizer_config.json", "<s>", "</s>").render(Conversation.of(messages), false));
    }

    @Test
    void anErrorNamesLineAndMessage() {
        String source = "{# comment\nof two lines #}\n\n{%- for m in messages %}\n  {%- if m.role == 'tool' %}\n"
            + "    {{- raise_exception('no tools here') }}\n  {%- endif %}\n{{ m.content }}\n{%- endfor %}";
        String message = failure(source, Message.user("a"), Message.user("b"), new Message("tool", "c"), Message.user("d"))
            .getMessage();
        assertTrue(message.startsWith("tokenizer_config.json, template line 6, at message index 2 (role 'tool'): the"
            + " template refuses it: no tools here."), message);
    }

    @Test
    void otherErrorsNameTheirLineToo() {
        assertMessage("a\n\n{{ messages[0].content.nope() }}", "template line 3, at message index 0 (role 'user')",
            "templates cannot call .nope() on a text");
        assertMessage("a\n{% if true %}", "template line 2", "Missing end tag");
        assertMessage("a\nb\n{{ 1 +", "template line 3", "'{{ 1 +' is not closed");
        assertMessage("\n{{ 1 + }}", "template line 2", "Error parsing");
        assertMessage("{% nothing %}", "template line 1, before any message was read", "Unknown tag: nothing");
        assertMessage("{% for m in messages %}{{ loop.previtem }}{% endfor %}", "template line 1", "loop.previtem");
        assertMessage("\n{% endif %}", "template line 2", "'endif' closes nothing");
        assertMessage("{% for m in messages %}a{% else %}b{% endfor %}", "template line 1", "'else' of a loop");
        assertMessage("{{ strftime_now('%d') }}", "template line 1", "strftime_now");
    }

    private static void assertMessage(String source, String where, String what) {
        String message = failure(source, Message.user("x")).getMessage();
        assertTrue(message.contains(where) && message.contains(what), message);
    }

    /** A template is a stranger's: it reaches no Java method, no class and no other file. */
    @Test
    void reachesNothingButItsMessages() {
        for (String source : List.of("{{ ''.getClass() }}", "{{ messages.getClass() }}", "{{ messages[0].getClass() }}",
                "{{ 'a'.getBytes() }}", "{{ ____int3rpr3t3r____.getConfig() }}", "{% include 'x' %}",
                "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}")) {
            failure(source, Message.user("x"));
        }
        assertEquals("", ChatTemplate.of("{{ ''.class }}{{ messages.class }}{{ ____int3rpr3t3r____.config }}", "t", null,
            null).render(Conversation.of(Message.user("x")), false));
    }

    @Test
    void chatMlIsThere() {
        assertEquals("<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n",
            ChatTemplate.chatMl().render(Conversation.of(Message.user("a")), true));
        assertEquals("<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n\nb \n<|im_end|>\n",
            ChatTemplate.chatMl().render(Conversation.of(Message.user("a"), Message.assistant("\nb \n")), false));
        assertFalse(ChatTemplate.chatMl().source().isEmpty());
    }
}
