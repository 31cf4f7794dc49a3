package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Templates against Python's Jinja2, and what they say when they fail. */
class ChatTemplateTest {
    private static final Map<String, String> SPECIAL = Map.of("bos_token", "<s>", "eos_token", "</s>");

    @Test
    void rendersAsPythonDoes() throws IOException {
        TemplateCases cases = new TemplateCases(new ObjectMapper().readTree(
            ChatTemplateTest.class.getResourceAsStream("/tokenizer/template-cases.json")));
        List<Executable> checks = new ArrayList<>();
        for (JsonNode node : cases.cases()) {
            checks.add(() -> assertEquals("", cases.difference(node), TemplateCases.name(node)));
        }
        assertFalse(checks.isEmpty());
        assertAll(checks);
    }

    private static ChatTemplateException failure(String source, Message... messages) {
        return assertThrows(ChatTemplateException.class,
            () -> ChatTemplate.of(source, "tokenizer_config.json", SPECIAL).render(Conversation.of(messages), false));
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
            "a text has no 'nope'");
        assertMessage("a\n{% if true %}", "template line 2", "'endif' is missing");
        assertMessage("a\nb\n{{ 1 +", "template line 3", "the tag '{{' is not closed");
        assertMessage("\n{{ 1 + }}", "template line 2", "it has '}}' where a value is expected");
        assertMessage("{% nothing %}", "template line 1", "there is no tag 'nothing'");
        assertMessage("{% for m in messages %}\n{{ loop.nothing.x }}{% endfor %}", "template line 2", "a loop has no 'nothing'");
        assertMessage("\n{% endif %}", "template line 2", "'endif' closes nothing");
        assertMessage("\n\n{{ 1 |\n nothing }}", "template line 3", "there is no filter 'nothing'");
        assertMessage("{{ 'a' }}\n{% break %}", "template line 2", "outside of a loop");
        assertMessage("{# a\nb", "template line 1", "the comment is not closed");
        assertMessage("\n{% raw %} {{ x", "template line 2", "'raw' is not closed");
        assertMessage("{{ 'a\nb }}", "template line 1", "is not closed");
        assertMessage("{{ 1 ? 2 }}", "template line 1", "the character '?' is not expected");
        assertMessage("{{ (1] }}", "template line 1", "the bracket ']' closes nothing");
        assertMessage("{% macro m(a) %}{% endmacro %}\n{{ m(1, 2) }}", "template line 2", "macro 'm' takes at most 1");
    }

    /** A template may be made to use up time, memory or the stack. */
    @Test
    void limitsWhatATemplateUsesUp() {
        assertMessage("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "template line 1",
            "more than 3000000 steps");
        assertMessage("{% set ns = namespace(t='aaaaaaaa') %}{% for a in range(99) %}\n{% set ns.t = ns.t + ns.t %}{% endfor %}",
            "template line 2", "characters of text");
        assertMessage("{{ 'a' * 999999999 }}", "template line 1", "characters of text");
        assertMessage("{{ ('a' * 99999) | replace('a', 'b' * 99999) }}", "template line 1", "characters of text");
        assertMessage("{{ 2 ** 99999 ** 9 }}", "template line 1", "more than 100000 bits");
        assertMessage("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "template line 1", "more than 100 deep");
        assertMessage("{{ " + "(".repeat(2000) + "1" + ")".repeat(2000) + " }}", "template line 1", "nested more than 60 deep");
        assertMessage("{{ 1" + "+1".repeat(2000) + " }}", "template line 1", "chains more than 500 operators");
        assertMessage("{% if true %}".repeat(2000), "template line 1", "nested more than 60 deep");
        assertMessage("{{ " + "not ".repeat(2000) + "true }}", "template line 1", "nested more than 60 deep");
        assertMessage("{{ " + "-".repeat(2000) + "1 }}", "template line 1", "nested more than 60 deep");
    }

    @Test
    void theDateIsFixedUnlessGiven() {
        ChatTemplate template = ChatTemplate.of("{{ strftime_now('%d %b %Y') }}", "t", Map.of());
        assertEquals("26 Jul 2024", template.render(Conversation.of(Message.user("x")), false));
        assertEquals("01 Feb 2030", template.at(LocalDateTime.of(2030, 2, 1, 12, 0))
            .render(Conversation.of(Message.user("x")), false));
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
        assertEquals("", ChatTemplate.of("{{ ''.class }}{{ messages.class }}{{ ''.getClass }}{{ messages[0].index }}", "t", Map.of())
            .render(Conversation.of(Message.user("x")), false));
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
