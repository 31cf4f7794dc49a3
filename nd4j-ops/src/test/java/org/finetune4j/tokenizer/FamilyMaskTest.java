package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is learned of conversations in the formats of all families: exactly what the assistant says, and its ends. */
class FamilyMaskTest {
    private static final JsonText WEATHER = new JsonText("{\"type\":\"function\",\"function\":{\"name\":\"weather\","
        + "\"description\":\"Tells it.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"place\":{\"type\":\"string\","
        + "\"description\":\"Where.\"}},\"required\":[\"place\"]}}}");

    /** A template with the tokens that its models add, the end of a turn first, and how it shows a response. */
    enum Family {
        CHATML("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>"),
        SMOLLM2("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>"),
        LLAMA2(" {0} </s>", true, "</s>", "<s>"),
        LLAMA3("{0}<|eot_id|>", true, "<|eot_id|>", "<s>", "<|start_header_id|>", "<|end_header_id|>"),
        LLAMA31("{0}<|eot_id|>", true, "<|eot_id|>", "<s>", "<|start_header_id|>", "<|end_header_id|>"),
        SMOLLM3("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>", "<think>", "</think>"),
        MISTRAL1("{0}</s>", false, "</s>", "<s>"),
        MISTRAL3(" {0}</s>", true, "</s>", "<s>", "[INST]", "[/INST]", "[TOOL_CALLS]"),
        QWEN25("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>", "<tool_call>", "</tool_call>"),
        QWEN3("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>", "<think>", "</think>", "<tool_call>", "</tool_call>"),
        GEMMA2("{0}<end_of_turn>", true, "<end_of_turn>", "<start_of_turn>", "<s>"),
        GEMMA3("{0}<end_of_turn>", true, "<end_of_turn>", "<start_of_turn>", "<s>"),
        PHI3("{0}<|end|>", false, "<|end|>", "</s>", "<|user|>", "<|assistant|>", "<|system|>"),
        PHI4("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>", "<|im_sep|>"),
        OLMO2("{0}</s>", false, "</s>", "<s>"),
        ZEPHYR("{0}</s>", false, "</s>"),
        ALPACA("{0}</s>", true, "</s>"),
        VICUNA(" {0}</s>", true, "</s>", "<s>"),
        DEEPSEEK("{0}<｜end▁of▁sentence｜>", false, "<｜end▁of▁sentence｜>", "<s>", "<｜User｜>", "<｜Assistant｜>"),
        HERMES("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>"),
        GRANITE("{0}<|end_of_text|>", false, "<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        GENERATION("{0}<|im_end|>", false, "<|im_end|>", "<|im_start|>");

        private static final Set<Family> WITHOUT_SYSTEM = Set.of(MISTRAL1, GEMMA2);

        private final String shown;
        private final boolean strips;
        private final List<String> tokens;

        Family(String shown, boolean strips, String... tokens) {
            this.shown = shown;
            this.strips = strips;
            this.tokens = List.of(tokens);
        }

        /** What is to be learned of one response, which Qwen3 and SmolLM3 show otherwise in some places. */
        String learned(String content, boolean last, boolean thinking) {
            String text = strips ? strip(content) : this == SMOLLM3 ? withoutLineBreaks(content) : content;
            return this == QWEN3 && last ? (thinking ? "<think>\n\n</think>\n\n" : "") + withoutLineBreaks(content)
                + "<|im_end|>" : shown.replace("{0}", text);
        }

        ChatTemplate template() {
            try (var stream = FamilyMaskTest.class.getResourceAsStream("/tokenizer/families/" + name().toLowerCase()
                    + ".jinja")) {
                return ChatTemplate.of(new String(stream.readAllBytes(), StandardCharsets.UTF_8), name(),
                    Map.of("bos_token", "<s>", "eos_token", "</s>"));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @TempDir
    Path folder;

    private Tokenizer tokenizer(Family family) {
        List<String> special = new ArrayList<>(family.tokens);
        special.add("<|unused|>");
        new BpeTrainer(300 + special.size(), special, true).train(TestTokenizers.corpus()).save(folder,
            new TokenizerSettings(special.contains("<s>") ? "<s>" : null, special.get(0), special.get(0), null, 512));
        return Tokenizer.load(folder);
    }

    private static String strip(String text) {
        return ChatTemplate.of("{{ messages[0].content | trim }}", "test", Map.of())
            .render(Conversation.of(Message.user(text)), false);
    }

    private static String withoutLineBreaks(String text) {
        return text.replaceFirst("^\n+", "");
    }

    private static Conversation random(Random random, boolean system) {
        List<Message> messages = new ArrayList<>();
        if (system && random.nextBoolean()) {
            messages.add(Message.system(RandomText.next(random)));
        }
        for (int turns = 1 + random.nextInt(3); turns > 0; turns--) {
            messages.add(Message.user(RandomText.next(random)));
            String before = random.nextInt(3) == 0 ? "" : RandomText.next(random);
            messages.add(Message.assistant(before + "a" + RandomText.next(random)));
        }
        return Conversation.of(messages);
    }

    @ParameterizedTest
    @EnumSource
    void learnsExactlyWhatTheAssistantSays(Family family) {
        Random random = new Random(11);
        try (Tokenizer tokenizer = tokenizer(family)) {
            ConversationEncoder encoder = new ConversationEncoder(tokenizer, family.template());
            for (int round = 0; round < 9; round++) {
                Conversation conversation = random(random, !Family.WITHOUT_SYSTEM.contains(family));
                if (round % 3 == 0) {
                    conversation = conversation.with("enable_thinking", JsonText.bool(false));
                }
                List<String> expected = expected(family, conversation);
                assertRuns(tokenizer, expected, encoder.encode(conversation, Supervision.ASSISTANT), round);
                assertRuns(tokenizer, expected.subList(expected.size() - 1, expected.size()),
                    encoder.encode(conversation, Supervision.LAST), round);
                String end = family.tokens.get(0);
                assertRuns(tokenizer, expected.stream().map(run -> run.substring(0, run.length() - end.length()))
                    .map(run -> family == Family.LLAMA2 ? run.substring(0, run.length() - 1) : run).toList(),
                    encoder.encode(conversation, Supervision.ASSISTANT.withoutEndOfTurn()), round);
                EncodedConversation all = encoder.encode(conversation, Supervision.ALL_TEXT);
                assertEquals(all.length(), all.supervisedCount());
            }
            assertTrue(encoder.stopTokens().ids().contains(tokenizer.idOf(family.tokens.get(0)).getAsInt()));
        }
    }

    private static List<String> expected(Family family, Conversation conversation) {
        List<Message> messages = conversation.messages();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).isAssistant()) {
                expected.add(family.learned(messages.get(i).text(), i == messages.size() - 1,
                    !conversation.variables().containsKey("enable_thinking")));
            }
        }
        return expected;
    }

    /** A run may only begin earlier by what its first token took in from in front of the border. */
    private static void assertRuns(Tokenizer tokenizer, List<String> expected, EncodedConversation encoded, int round) {
        List<String> found = new ArrayList<>();
        for (int start = 0; start < encoded.length(); start++) {
            int end = start;
            while (end < encoded.length() && encoded.supervised()[end]) {
                end++;
            }
            if (end > start) {
                String run = tokenizer.decode(Arrays.copyOfRange(encoded.ids(), start, end), false);
                String wanted = found.size() < expected.size() ? expected.get(found.size()) : "";
                int more = run.length() - wanted.length();
                boolean merged = more > 0 && run.endsWith(wanted)
                    && more < tokenizer.decode(new int[] {encoded.ids()[start]}, false).length();
                found.add(merged ? wanted : run);
                start = end;
            }
        }
        assertEquals(expected, found, "round " + round);
    }

    /** Phi-3's own tokens take in the blanks behind them, a response's too, and are the prompt's all the same. */
    @Test
    void aTokenThatTakesInBlanksBelongsWhereItsTextIs() throws IOException {
        Conversation conversation = Conversation.of(Message.user("a"), Message.assistant("  hello"), Message.user("b"),
            Message.assistant("\ncode  "));
        try (Tokenizer tokenizer = taking("rstrip", "<|user|>", "<|assistant|>", "<|end|>")) {
            assertArrayEquals(new int[][] {{0, 16}, {16, 17}}, tokenizer.encode("<|assistant|>\n  a", false).spans());
            assertArrayEquals(tokenizer.encode("<|assistant|>a", false).ids(),
                tokenizer.encode("<|assistant|>\n  a", false).ids());
            assertLearned(tokenizer, conversation, "hello", "code  ");
        }
        try (Tokenizer tokenizer = taking("lstrip", "<|end|>")) {
            assertArrayEquals(new int[][] {{0, 1}, {1, 10}}, tokenizer.encode("a  <|end|>", false).spans());
            assertLearned(tokenizer, conversation, "  hello", "\ncode");
        }
        try (Tokenizer tokenizer = taking("lstrip", "</s>")) {
            assertLearned(tokenizer, Conversation.of(Message.user("a"), Message.assistant("</s>b")), "</s>b");
        }
    }

    /** Loads Phi-3's tokenizer with tokens of which the flag is set. */
    private Tokenizer taking(String flag, String... tokens) throws IOException {
        tokenizer(Family.PHI3).close();
        Path file = folder.resolve(Tokenizer.FILE_NAME);
        JsonNode root = new ObjectMapper().readTree(file.toFile());
        for (JsonNode token : root.get("added_tokens")) {
            ((ObjectNode) token).put(flag, List.of(tokens).contains(token.get("content").asText()));
        }
        Files.writeString(file, root.toString());
        return Tokenizer.load(folder);
    }

    private static void assertLearned(Tokenizer tokenizer, Conversation conversation, String... responses) {
        ConversationEncoder encoder = new ConversationEncoder(tokenizer, Family.PHI3.template());
        assertRuns(tokenizer, Arrays.stream(responses).map(response -> response + "<|end|>").toList(),
            encoder.encode(conversation, Supervision.ASSISTANT), 0);
        assertRuns(tokenizer, List.of(responses), encoder.encode(conversation, Supervision.ASSISTANT.withoutEndOfTurn()), 1);
    }

    /** Earlier reasoning that a template drops is not learned; what it shows is. */
    @Test
    void learnsReasoningWhereItIsShown() {
        try (Tokenizer tokenizer = tokenizer(Family.QWEN3)) {
            ConversationEncoder encoder = new ConversationEncoder(tokenizer, Family.QWEN3.template());
            Conversation conversation = Conversation.of(Message.user("a"), Message.assistant("b").withReasoning("so\n"),
                Message.user("c"), Message.assistant("<think>\nhm\n</think>\n\nd"));
            assertRuns(tokenizer, List.of("b<|im_end|>", "<think>\nhm\n</think>\n\nd<|im_end|>"),
                encoder.encode(conversation, Supervision.ASSISTANT), 0);
            assertRuns(tokenizer, List.of("<think>\nso\n</think>\n\nb<|im_end|>"),
                encoder.encode(conversation.upTo(2), Supervision.ASSISTANT), 1);
            // The prompt of a model that is not to think opens and closes the thought; what differs from it is learned.
            assertRuns(tokenizer, List.of("so\n</think>\n\nb<|im_end|>"),
                encoder.encode(conversation.upTo(2).with("enable_thinking", JsonText.bool(false)), Supervision.LAST), 2);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"LLAMA31", "MISTRAL3", "QWEN25", "QWEN3", "DEEPSEEK", "HERMES", "GRANITE"})
    void learnsCallsOfToolsAndNotTheirAnswers(Family family) {
        ToolCall call = new ToolCall("weather", new JsonText("{\"place\": \"Bärn\"}"), "abcdef123");
        Conversation conversation = Conversation.of(Message.user("How is it?"),
            new Message(Message.ASSISTANT, null).withToolCalls(List.of(call)),
            Message.tool("21 °C", "abcdef123", "weather"), Message.assistant("Warm.")).withTools(List.of(WEATHER));
        Map<Family, String> calls = Map.of(
            Family.LLAMA31, "{\"name\": \"weather\", \"parameters\": {\"place\": \"Bärn\"}}<|eot_id|>",
            Family.MISTRAL3, "[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"place\": \"Bärn\"}, \"id\":"
                + " \"abcdef123\"}]</s>",
            Family.QWEN25, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"place\": \"Bärn\"}}\n</tool_call>"
                + "<|im_end|>",
            Family.QWEN3, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"place\": \"Bärn\"}}\n</tool_call>"
                + "<|im_end|>",
            Family.DEEPSEEK, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{\"place\":"
                + " \"Bärn\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
            Family.HERMES, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"place\": \"Bärn\"}}\n</tool_call>"
                + "<|im_end|>",
            Family.GRANITE, "<|tool_call|>{\"name\": \"weather\", \"arguments\": {\"place\": \"Bärn\"}}<|end_of_text|>");
        String answer = family == Family.DEEPSEEK ? "<｜tool▁outputs▁end｜>Warm.<｜end▁of▁sentence｜>"
            : family.learned("Warm.", true, true);
        try (Tokenizer tokenizer = tokenizer(family)) {
            ConversationEncoder encoder = new ConversationEncoder(tokenizer, family.template());
            assertRuns(tokenizer, List.of(calls.get(family), answer), encoder.encode(conversation, Supervision.ASSISTANT), 0);
            assertRuns(tokenizer, List.of(answer), encoder.encode(conversation, Supervision.LAST), 1);
            String thought = family == Family.QWEN3 ? "<think>\n\n</think>\n\n" : "";
            assertRuns(tokenizer, List.of(thought + calls.get(family)),
                encoder.encode(conversation.upTo(2), Supervision.LAST), 2);
        }
    }

    /** Where a template keeps what it showed, the prompt of every turn is the beginning of the whole, token for token. */
    @ParameterizedTest
    @EnumSource(names = {"CHATML", "SMOLLM2", "LLAMA3", "LLAMA31", "MISTRAL3", "GEMMA3", "PHI4", "HERMES", "GRANITE"})
    void aPromptIsTheBeginningOfItsConversation(Family family) {
        try (Tokenizer tokenizer = tokenizer(family)) {
            ConversationEncoder encoder = new ConversationEncoder(tokenizer, family.template());
            Conversation conversation = Conversation.of(Message.user("Who?"), Message.assistant("I."), Message.user("When?"),
                Message.assistant("Now."));
            int[] whole = encoder.encode(conversation, Supervision.LAST).ids();
            int[] prompt = encoder.encodePrompt(conversation.upTo(3));
            assertArrayEquals(prompt, Arrays.copyOf(whole, prompt.length));
        }
    }
}
