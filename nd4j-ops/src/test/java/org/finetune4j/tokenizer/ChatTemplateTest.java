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
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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

    /** A value that holds another one twice, which holds another one twice, is small to make and endless to go through. */
    @Test
    void goingThroughAValueIsCounted() {
        String towers = "{% set ns = namespace(a=[1], b=[1], c=(1, 2), d=(1, 2)) %}{% for i in range(23) %}"
            + "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}"
            + "{% set ns.c = (ns.c, ns.c) %}{% set ns.d = (ns.d, ns.d) %}{% endfor %}\n";
        for (String use : List.of("{{ ns.a }}", "{{ '%r' | format(ns.c) }}", "{{ ns.a == ns.b }}", "{{ ns.a < ns.b }}", "{{ ns.c in [ns.d] }}", "{{ {'x': ns.a} == {'x': ns.b} }}",
                "{{ {'x': ns.a}.values() == {'x': ns.b}.values() }}", "{{ [ns.b].index(ns.a) }}",
                "{{ {ns.c: 1} }}", "{{ dict([(ns.c, 1)]) }}", "{{ {}.get(ns.c) }}", "{{ {1: 2}[ns.c] }}",
                "{{ [ns.a, ns.b] | sort | length }}", "{{ [ns.a, ns.b] | unique | list | length }}")) {
            assertMessage(towers + use, "template line 2", "more than 3000000 steps");
        }
    }

    @Test
    void whatMethodsAndFiltersLookAtIsCounted() {
        assertMessage("{{ range(9999) | unique | list }}", "template line 1", "more than 3000000 steps");
        for (String use : List.of("l.count(-1)", "l.index(99998)", "(l | sort)[0]", "l | min", "-1 in l")) {
            assertMessage("{% set l = range(99999) %}{% for i in range(999) %}{{ " + use + " }}{% endfor %}",
                "template line 1", "more than 3000000 steps");
        }
        for (String use : List.of("t.count('b')", "t.startswith('b')", "t[1:] | length", "t[-1]", "t is lower",
                "t | length", "t.partition('b') | length")) {
            assertMessage("{% set t = 'A' + 'a' * 999999 %}{% for i in range(999) %}{{ " + use + " }}{% endfor %}",
                "template line 1", "characters of text");
        }
        assertMessage("{{ 0b" + "01".repeat(20_000) + " }}", "template line 1", "a number of 40002 digits");
        assertMessage("{{ 0x" + "_f".repeat(20_000) + " }}", "template line 1", "a number of 20002 digits");
        assertMessage("{{ 1" + "_1".repeat(20_000) + " }}", "template line 1", "a number of 20001 digits");
    }

    @Test
    void aDictionarysKeyIsWhatPythonCanHash() {
        assertMessage("{{ {[1]: 1} }}", "template line 1", "a list cannot be a dictionary's key");
        assertMessage("{{ {([1], 2): 1} }}", "template line 1", "a tuple cannot be a dictionary's key");
        assertMessage("{{ dict([[{}, 1]]) }}", "template line 1", "a dictionary cannot be a dictionary's key");
        assertMessage("{{ {}.get([1]) }}", "template line 1", "a list cannot be a dictionary's key");
        assertEquals("b/c/", ChatTemplate.of("{{ {(1, 'a'): 'b'}[(1, 'a')] }}/{{ {(1,): 'c'}.copy().get((1,)) }}/"
            + "{{ {}[[1]] }}", "t", Map.of()).render(Conversation.of(Message.user("x")), false));
    }

    /** Parts of this length are sought otherwise than short ones, where Python's rules are the same. */
    @Test
    void longPartsAreFoundWhereTheyAre() {
        Random random = new Random(21);
        ChatTemplate template = ChatTemplate.of("{% set t = messages[0].content %}{% set p = messages[1].content %}"
            + "{{ t.find(p) }} {{ t.rfind(p) }} {{ p in t }} {{ t.split(p) | length }} {{ t.replace(p, '') | length }}"
            + " {{ t.partition(p)[0] | length }} {{ t.rpartition(p)[0] | length }}", "t", Map.of());
        int found = 0;
        for (int round = 0; round < 300; round++) {
            String part = (random.nextBoolean() ? "ab" : "aab").repeat(30 + random.nextInt(6))
                + (random.nextBoolean() ? "" : "😀");
            StringBuilder text = new StringBuilder();
            for (int pieces = random.nextInt(6); pieces > 0; pieces--) {
                text.append(random.nextInt(3) == 0 ? part : part.substring(random.nextInt(part.length()) / 2 * 2 % 60));
            }
            int first = text.indexOf(part);
            int last = text.lastIndexOf(part);
            found += first >= 0 ? 1 : 0;
            String whole = text.toString();
            String[] parts = whole.split(part, -1);
            int before = last < 0 ? 0 : points(whole.substring(0, last));
            assertEquals((first < 0 ? "-1 -1 False " : points(parts[0]) + " " + before + " True ") + parts.length + " "
                + points(String.join("", parts)) + " " + points(parts[0]) + " " + before,
                template.render(Conversation.of(Message.user(whole), Message.user(part)), false));
        }
        assertTrue(found > 100 && found < 290, found + " found");
    }

    private static int points(String text) {
        return text.codePointCount(0, text.length());
    }

    @Test
    void longTextsAreCutIntoWords() {
        assertEquals("90000 w9 w89999 ['w0', 'w1', 'w2 w3']", ChatTemplate.of("{% set words = messages[0].content.split() %}"
            + "{{ words | length }} {{ words[9] }} {{ words[-1] }} {{ '\u2003w0 \t w1  w2 w3 \n'.split(none, 2) }}", "t",
            Map.of())
            .render(Conversation.of(Message.user(IntStream.range(0, 90_000).mapToObj(i -> " w" + i + "\n")
                .collect(Collectors.joining()))), false));
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
