package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files beside tokenizer.json, or in its place. */
class TokenizerFilesTest {
    @TempDir
    Path folder;

    private void save(boolean splitDigits) {
        TestTokenizers.vocabulary(splitDigits).save(folder, new TokenizerSettings("<|endoftext|>", "<|im_end|>",
            "<|im_end|>", TestTokenizers.CHAT, 512));
    }

    private void write(String name, String text) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.writeString(folder.resolve(name), text);
    }

    @Test
    void vocabularyAndMergesAreEnoughForGpt2() throws IOException {
        save(false);
        Random random = new Random(12);
        try (Tokenizer whole = Tokenizer.load(folder)) {
            JsonNode model = new ObjectMapper().readTree(folder.resolve("tokenizer.json").toFile()).get("model");
            write("vocab.json", model.get("vocab").toString());
            write("merges.txt", "#version: 0.2\n" + StreamSupport.stream(model.get("merges").spliterator(), false)
                .map(JsonNode::asText).collect(Collectors.joining("\n")) + "\n");
            Files.delete(folder.resolve("tokenizer.json"));
            write("tokenizer_config.json", "{\"tokenizer_class\": \"GPT2Tokenizer\", \"bos_token\": \"<|endoftext|>\","
                + "\"eos_token\": \"<|im_end|>\", \"unk_token\": \"<|im_start|>\"}");
            try (Tokenizer parts = Tokenizer.load(folder)) {
                for (int round = 0; round < 100; round++) {
                    String text = RandomText.next(random) + "<|im_end|>" + RandomText.next(random);
                    assertArrayEquals(whole.encode(text, true).ids(), parts.encode(text, true).ids(), text);
                    assertEquals(text, parts.decode(parts.encode(text, false).ids(), false));
                }
                assertTrue(parts.isAddedToken(2));
            }
            write("tokenizer_config.json", "{\"tokenizer_class\": \"Qwen2Tokenizer\"}");
            assertRefused("not Qwen2Tokenizer");
        }
    }

    @Test
    void tokensThatOnlyOtherFilesNameAreAdded() throws IOException {
        save(true);
        int size = TestTokenizers.SIZE;
        write("tokenizer_config.json", "{\"eos_token\": \"<end>\", \"added_tokens_decoder\": {\"" + size
            + "\": {\"content\": \"<end>\", \"special\": true}, \"" + (size + 1) + "\": {\"content\": \"<tool>\","
            + "\"special\": false}}}");
        write("added_tokens.json", "{\"<late>\": " + (size + 2) + ", \"<end>\": " + size + "}");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertEquals(size + 3, tokenizer.vocabularySize());
            int[] ids = tokenizer.encode("<tool><late><end>", false).ids();
            assertArrayEquals(new int[] {size + 1, size + 2, size}, ids);
            assertEquals("<tool>", tokenizer.decode(ids, true));
            assertEquals(size, tokenizer.endTokenId().getAsInt());
            assertTrue(tokenizer.isAddedToken(size + 2));
        }
        write("added_tokens.json", "{\"<late>\": 5}");
        assertRefused("with id 5, which another token has");
        write("added_tokens.json", "{\"<late>\": " + (size + 9) + "}");
        assertRefused("'<late>' has id " + (size + 9) + ", but is read as");
        write("added_tokens.json", "{\"<late>\": -1}");
        assertRefused("the id of token '<late>' is not a number from 0");
    }

    private void assertRefused(String words) {
        String message = assertThrows(TokenizerException.class, () -> Tokenizer.load(folder)).getMessage();
        assertTrue(message.contains(words), message);
    }

    /** A token may take in the blanks beside it, or want to stand alone. */
    @Test
    void flagsOfAddedTokensHold() throws IOException {
        save(true);
        int size = TestTokenizers.SIZE;
        write("tokenizer_config.json", "{\"added_tokens_decoder\": {"
            + added(size, "<l>", "lstrip") + "," + added(size + 1, "<r>", "rstrip") + "," + added(size + 2, "<w>", "single_word")
            + "}}");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            int a = tokenizer.encode("a", false).ids()[0];
            assertArrayEquals(new int[] {a, size, a}, tokenizer.encode("a  <l>a", false).ids());
            assertArrayEquals(new int[] {a, size + 1, a}, tokenizer.encode("a<r>  a", false).ids());
            assertEquals(1, count(tokenizer.encode("a <w> a", false).ids(), size + 2));
            assertEquals(0, count(tokenizer.encode("a<w>a", false).ids(), size + 2));
        }
    }

    private static String added(int id, String content, String flag) {
        return "\"" + id + "\": {\"content\": \"" + content + "\", \"special\": true, \"" + flag + "\": true}";
    }

    private static long count(int[] ids, int id) {
        return java.util.Arrays.stream(ids).filter(other -> other == id).count();
    }

    @Test
    void templatesOfAllPlacesAreFoundByName() throws IOException {
        save(true);
        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"d\"}, {\"name\": \"rag\","
            + "\"template\": \"r\"}, {\"name\": \"tool_use\", \"template\": \"t {{ tools | length }}\"}]}");
        Conversation plain = Conversation.of(Message.user("x"));
        Conversation tools = plain.withTools(List.of(new JsonText("{\"a\": 1}")));
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertEquals("d", tokenizer.chatTemplate().render(plain, false));
            assertEquals("t 1", tokenizer.chatTemplate().render(tools, false));
            assertEquals("r", tokenizer.chatTemplate("rag").render(tools, false));
            assertTrue(assertThrows(ChatTemplateException.class, () -> tokenizer.chatTemplate("x")).getMessage()
                .contains("Choose one of [default, rag, tool_use]"));
        }
        write("chat_template.jinja", "own");
        write("additional_chat_templates/tool_use.jinja", "own tools");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertEquals("own", tokenizer.chatTemplate().render(plain, false));
            assertEquals("own tools", tokenizer.chatTemplate().render(tools, false));
        }
        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"r\"}]}");
        Files.delete(folder.resolve("chat_template.jinja"));
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertFalse(tokenizer.hasChatTemplate());
            assertTrue(assertThrows(ChatTemplateException.class, tokenizer::chatTemplate).getMessage()
                .contains("none named 'default'"));
        }
        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\"}]}");
        assertRefused("chat_template must be a text, or a list");
    }

    @Test
    void stopTokensAreTheUnionOfAllThatNameThem() throws IOException {
        save(true);
        write("generation_config.json", "{\"eos_token_id\": [0, 2]}");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            ConversationEncoder encoder = new ConversationEncoder(tokenizer, tokenizer.chatTemplate());
            assertEquals(Set.of(2, 0), encoder.stopTokens().ids());
            assertEquals("stop tokens in use: <|im_end|> (end of a turn in the chat template) = 2, <|endoftext|>"
                + " (generation_config.json) = 0", encoder.stopTokens().toString());
            ChatTemplate other = ChatTemplate.of("{% for m in messages %}{{ m.content }}<|im_start|>{% endfor %}", "t", Map.of());
            assertEquals(Set.of(0, 1, 2), new ConversationEncoder(tokenizer, other).stopTokens().ids());
            write("generation_config.json", "{\"eos_token_id\": 310}");
            assertTrue(assertThrows(TokenizerException.class, encoder::stopTokens).getMessage().contains("names 310"));
            write("generation_config.json", "{}");
            assertEquals(Set.of(2), encoder.stopTokens().ids());
        }
    }

    /** What changes tokens changes the hash, and nothing else does. */
    @Test
    void theHashTellsWhatChangesTokens() throws IOException {
        save(true);
        String first;
        String conversation;
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            first = tokenizer.contentHash();
            conversation = tokenizer.conversationHash(null);
            assertEquals(tokenizer.conversationHash("a"), tokenizer.conversationHash("a"));
            assertEquals(4, Set.of(conversation, first, tokenizer.conversationHash("a"), tokenizer.conversationHash("{% a"))
                .size());
        }
        String configuration = Files.readString(folder.resolve("tokenizer_config.json"));
        write("tokenizer_config.json", configuration.replace("\"model_max_length\" : 512", "\"model_max_length\" : 513"));
        assertEquals(List.of(first, conversation), hashes());
        write("tokenizer_config.json", configuration.replaceFirst("\\{", "{\"mask_token\": \"<|im_end|>\","));
        assertEquals(first, hashes().get(0));
        assertNotEquals(conversation, hashes().get(1));
        write("tokenizer_config.json", configuration);
        Files.createDirectories(folder.resolve("additional_chat_templates"));
        for (String name : List.of("tool_use", "other")) {
            Path template = folder.resolve("additional_chat_templates").resolve(name + ".jinja");
            Files.writeString(template, "{% wrong");
            assertEquals(List.of(true, name.equals("other")), List.of(first.equals(hashes().get(0)),
                conversation.equals(hashes().get(1))), name);
            Files.delete(template);
        }
        write("chat_template.jinja", TestTokenizers.CHAT + " ");
        assertNotEquals(conversation, hashes().get(1));
        write("tokenizer_config.json", configuration.replace("\"add_bos_token\" : false", "\"add_bos_token\" : true"));
        assertNotEquals(first, hashes().get(0));
        write("tokenizer_config.json", configuration);
        write("added_tokens.json", "{\"<late>\": 310}");
        assertNotEquals(first, hashes().get(0));
    }

    private List<String> hashes() {
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            return List.of(tokenizer.contentHash(), tokenizer.conversationHash(null));
        }
    }
}
