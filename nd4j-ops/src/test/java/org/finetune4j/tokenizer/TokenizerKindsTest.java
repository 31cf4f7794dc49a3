package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of tokenizer.json against SentencePiece itself and BERT's rule, as make_tokenizer_cases.py wrote them. */
class TokenizerKindsTest {
    @TempDir
    Path folder;

    private static Path kinds() {
        try {
            return Path.of(TokenizerKindsTest.class.getResource("/tokenizer/kinds").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode cases(String kind) throws IOException {
        return new ObjectMapper().readTree(kinds().resolve("cases.json").toFile()).get(kind);
    }

    private static int[] ids(JsonNode node) {
        return StreamSupport.stream(node.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bpe", "unigram", "wordpiece"})
    void encodesAndDecodesAsTheOriginal(String kind) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(kinds().resolve(kind))) {
            for (JsonNode node : cases(kind)) {
                String text = node.get("text").asText();
                assertArrayEquals(ids(node.get("ids")), tokenizer.encode(text, false).ids(), "'" + text + "'");
                if (node.has("decoded")) {
                    assertEquals(node.get("decoded").asText(), tokenizer.decode(ids(node.get("ids")), false));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bpe", "unigram", "wordpiece"})
    void streamsWhatDecodingAllAtOnceGives(String kind) throws IOException {
        Random random = new Random(5);
        try (Tokenizer tokenizer = Tokenizer.load(kinds().resolve(kind))) {
            for (int round = 0; round < 60; round++) {
                String text = "the answer 😀 " + RandomText.next(random).replace("\ufffd", "") + " é名 three";
                int[] ids = tokenizer.encode(text, false).ids();
                StreamingDecoder decoder = tokenizer.streamingDecoder(false);
                StringBuilder printed = new StringBuilder();
                for (int id : ids) {
                    String piece = decoder.append(id);
                    assertTrue(piece.indexOf('\ufffd') < 0, "half a character of " + text);
                    printed.append(piece);
                }
                assertEquals(tokenizer.decode(ids, false), printed + decoder.finish());
            }
        }
    }

    @Test
    void putsTheBeginningOnceAndTheEndAsTold() throws IOException {
        copy("bpe");
        assertArrayEquals(new int[] {1}, special("a", true, false));
        assertArrayEquals(new int[] {1, 2}, special("a", true, true));
        assertArrayEquals(new int[] {}, special("a", false, false));
        assertArrayEquals(new int[] {2}, special("a", false, true));
        assertArrayEquals(new int[] {1}, special("<s>a", true, false));
        assertArrayEquals(new int[] {1}, special("<s>a", false, false));
        assertArrayEquals(new int[] {1, 2}, special("a</s>", true, true));
    }

    private void copy(String kind) throws IOException {
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(kinds().resolve(kind).resolve(name), folder.resolve(name));
        }
    }

    private int[] special(String text, boolean begin, boolean end) throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\","
            + "\"add_bos_token\": " + begin + ", \"add_eos_token\": " + end + "}");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            return Arrays.stream(tokenizer.encode(text, true).ids()).filter(id -> id < 3).toArray();
        }
    }

    /** A tokenizer that puts a blank in front and falls back on bytes must not move the borders of what is learned. */
    @ParameterizedTest
    @EnumSource(value = FamilyMaskTest.Family.class, names = {"LLAMA2", "MISTRAL1", "ZEPHYR", "VICUNA", "OLMO2"})
    void learnsExactlyTheResponseWithSentencePieces(FamilyMaskTest.Family family) throws IOException {
        Random random = new Random(6);
        try (Tokenizer tokenizer = Tokenizer.load(kinds().resolve("bpe"))) {
            ChatTemplate template = family.template();
            ConversationEncoder encoder = new ConversationEncoder(tokenizer, template);
            for (int round = 0; round < 15; round++) {
                Conversation conversation = Conversation.of(Message.user("the " + RandomText.next(random)),
                    Message.assistant(RandomText.next(random) + "a"), Message.user("then"),
                    Message.assistant("the answer" + RandomText.next(random)));
                List<String> expected = List.of(family.learned(conversation.messages().get(1).text(), false, true),
                    family.learned(conversation.messages().get(3).text(), true, true));
                EncodedConversation encoded = encoder.encode(conversation, Supervision.ASSISTANT);
                String text = template.render(conversation, false);
                int[][] spans = tokenizer.encode(text, false).spans();
                assertEquals(expected, runs(encoded, spans, text, expected), "round " + round);
            }
        }
    }

    private static List<String> runs(EncodedConversation encoded, int[][] spans, String text, List<String> expected) {
        List<String> runs = new ArrayList<>();
        for (int start = 0; start < encoded.length(); start++) {
            int end = start;
            while (end < encoded.length() && encoded.supervised()[end]) {
                end++;
            }
            if (end > start) {
                String run = text.substring(spans[start][0], spans[end - 1][1]);
                String wanted = expected.get(Math.min(runs.size(), expected.size() - 1));
                int more = run.length() - wanted.length();
                boolean merged = more > 0 && run.endsWith(wanted) && more < spans[start][1] - spans[start][0];
                runs.add(merged ? wanted : run);
                start = end;
            }
        }
        return runs;
    }
}
