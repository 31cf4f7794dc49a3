package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.finetune4j.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text to tokens and back, ranges in characters, and damaged tokenizers. */
class TokenizerTest {
    @TempDir
    Path folder;

    @Test
    void rangesCountUtf16Units() {
        try (Tokenizer tokenizer = TestTokenizers.load(folder, null)) {
            String text = "😀é<|im_end|>x 名";
            TokenizedText tokens = tokenizer.encode(text, false);
            for (int i = 0; i < tokens.length(); i++) {
                int[] span = tokens.spans()[i];
                if (tokenizer.isAddedToken(tokens.ids()[i])) {
                    assertEquals("<|im_end|>", text.substring(span[0], span[1]));
                }
            }
            assertArrayEquals(new int[] {0, 2}, tokens.spans()[0]);
            assertArrayEquals(new int[] {text.length() - 1, text.length()}, tokens.spans()[tokens.length() - 1]);
            assertEquals("😀éx 名", tokenizer.decode(tokens.ids(), true));
            assertEquals(text, tokenizer.decode(tokens.ids(), false));
        }
    }

    @Test
    void anyTextComesBackWithRangesThatCoverIt() {
        Random random = new Random(3);
        try (Tokenizer tokenizer = TestTokenizers.load(folder, null)) {
            for (int round = 0; round < 500; round++) {
                String text = RandomText.next(random);
                TokenizedText tokens = tokenizer.encode(text, true);
                assertEquals(text, tokenizer.decode(tokens.ids(), false));
                int covered = 0;
                for (int[] span : tokens.spans()) {
                    assertTrue(span[0] <= covered && span[1] >= covered, text);
                    covered = span[1];
                }
                assertEquals(text.length(), covered);
            }
        }
    }

    @Test
    void streamsWholeCharactersOnly() {
        Random random = new Random(4);
        try (Tokenizer tokenizer = TestTokenizers.load(folder, null)) {
            for (int round = 0; round < 300; round++) {
                String text = RandomText.next(random) + "😀👨‍👩‍👧";
                StreamingDecoder decoder = tokenizer.streamingDecoder(false);
                StringBuilder printed = new StringBuilder();
                for (int id : tokenizer.encode(text, false).ids()) {
                    printed.append(decoder.append(id));
                    assertTrue(text.startsWith(printed.toString()), "printed half a character of " + text);
                }
                assertEquals(text, printed + decoder.finish());
            }
        }
    }

    @Test
    void streamHoldsBackBytesAndFlushesThem() {
        try (Tokenizer tokenizer = TestTokenizers.load(folder, null)) {
            int[] bytes = new BytesOf(tokenizer).ids("🧪");
            StreamingDecoder decoder = tokenizer.streamingDecoder(true);
            assertEquals("", decoder.append(bytes[0]));
            assertEquals("", decoder.append(bytes[1]));
            assertEquals("", decoder.append(bytes[2]));
            assertEquals("🧪", decoder.append(bytes[3]));
            assertEquals("", decoder.append(bytes[0]));
            assertEquals("\ufffd", decoder.finish());
            assertEquals("a", decoder.append(new BytesOf(tokenizer).ids("a")[0]));
            assertEquals("", decoder.append(tokenizer.endTokenId().getAsInt()));
        }
    }

    private record BytesOf(Tokenizer tokenizer) {
        int[] ids(String text) {
            return Arrays.stream(ByteAlphabet.bytes(text))
                .map(value -> tokenizer.idOf(ByteAlphabet.symbol(value)).getAsInt()).toArray();
        }
    }

    @Test
    void knowsItsSpecialTokens() {
        try (Tokenizer tokenizer = TestTokenizers.load(folder, TestTokenizers.CHAT)) {
            assertEquals(TestTokenizers.SIZE, tokenizer.vocabularySize());
            assertEquals(OptionalInt.of(0), tokenizer.beginTokenId());
            assertEquals(OptionalInt.of(2), tokenizer.endTokenId());
            assertEquals(tokenizer.endTokenId(), tokenizer.paddingTokenId());
            assertEquals("<|im_end|>", tokenizer.endToken());
            assertEquals(OptionalInt.empty(), tokenizer.idOf("nothing of the kind"));
            assertTrue(tokenizer.isAddedToken(1));
            assertFalse(tokenizer.isAddedToken(3));
            assertTrue(tokenizer.hasChatTemplate());
            assertEquals(List.of(folder.resolve("tokenizer.json"), folder.resolve("tokenizer_config.json")),
                tokenizer.files());
        }
    }

    @Test
    void readsTheOtherWaysToSayIt() throws IOException {
        TestTokenizers.load(folder, null).close();
        Path file = folder.resolve("tokenizer_config.json");
        Files.writeString(file, "{\"eos_token\": {\"content\": \"<|im_end|>\", \"lstrip\": false}, \"chat_template\": "
            + "[{\"name\": \"rag\", \"template\": \"t\"}, {\"name\": \"default\", \"template\": \"d\"}]}");
        Files.writeString(folder.resolve("special_tokens_map.json"), "{\"pad_token\": \"<|endoftext|>\"}");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertEquals(OptionalInt.of(2), tokenizer.endTokenId());
            assertEquals(OptionalInt.of(0), tokenizer.paddingTokenId());
            assertEquals(OptionalInt.empty(), tokenizer.beginTokenId());
            assertEquals("d", tokenizer.chatTemplate().source());
        }
        Files.writeString(folder.resolve("chat_template.jinja"), "own file");
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertEquals("own file", tokenizer.chatTemplate().source());
            assertEquals(4, tokenizer.files().size());
        }
        Files.delete(file);
        Files.delete(folder.resolve("chat_template.jinja"));
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            assertTrue(assertThrows(ChatTemplateException.class, tokenizer::chatTemplate).getMessage()
                .contains("no chat template"));
        }
    }

    @Test
    void refusesDamagedFolders() throws IOException {
        assertRefused("there is no such file");
        Files.writeString(folder.resolve("tokenizer.model"), "x");
        assertRefused("Only tokenizer.model is there");
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": ");
        assertRefused("not valid JSON at line 1");
        Files.writeString(folder.resolve("tokenizer.json"), "[]");
        assertRefused("one JSON object");
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        assertRefused("holds no vocabulary");
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"vocab\": {\"a\": -1}}}");
        assertRefused("the id of token 'a'");
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"vocab\": {\"a\": 0}}}");
        assertRefused("the tokenizer library refuses it");
        TestTokenizers.load(folder, null).close();
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"</s>\"}");
        assertRefused("the special token '</s>' is not in the vocabulary");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": 3}");
        assertRefused("eos_token must be a token's text");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{");
        assertTrue(assertThrows(CheckpointException.class, () -> Tokenizer.load(folder)).getMessage()
            .contains("not valid JSON"));
    }

    private void assertRefused(String words) {
        String message = assertThrows(TokenizerException.class, () -> Tokenizer.load(folder)).getMessage();
        assertTrue(message.contains(words), message);
        assertTrue(message.startsWith(folder.toString()), message);
    }

    @Test
    void refusesWhatIsNoTextAndNoToken() {
        try (Tokenizer tokenizer = TestTokenizers.load(folder, null)) {
            assertTrue(assertThrows(TokenizerException.class, () -> tokenizer.encode("a\ud83d", false)).getMessage()
                .contains("half a surrogate pair"));
            assertTrue(assertThrows(TokenizerException.class, () -> tokenizer.decode(new int[] {TestTokenizers.SIZE}, false)).getMessage()
                .contains("token id 310 is outside the vocabulary of 310"));
            assertThrows(TokenizerException.class, () -> tokenizer.decode(new int[] {-1}, false));
            assertEquals("", tokenizer.decode(new int[0], false));
            assertEquals(0, tokenizer.encode("", true).length());
        }
    }

    /** A child process with an empty home: the native library comes out of the jar and nothing is printed or downloaded. */
    @Test
    void wakesSilentlyAndOffline() throws IOException, InterruptedException {
        TestTokenizers.load(folder, null).close();
        Path home = Files.createDirectory(folder.resolve("home"));
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Duser.home=" + home, "-Dhttps.proxyHost=127.0.0.1", "-Dhttps.proxyPort=1", "-cp",
            System.getProperty("java.class.path"), LoadOnly.class.getName(), folder.toString())
            .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertEquals("loaded" + System.lineSeparator(), output);
        try (var unpacked = Files.walk(home)) {
            assertTrue(unpacked.anyMatch(path -> path.toString().contains("libtokenizers")));
        }
    }

    /** What the child process runs. */
    static final class LoadOnly {
        private LoadOnly() {}

        public static void main(String[] arguments) {
            // As in a script host, whose threads look for classes elsewhere.
            Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
            try (Tokenizer tokenizer = Tokenizer.load(Path.of(arguments[0]))) {
                System.out.println(tokenizer.decode(tokenizer.encode("loaded", false).ids(), true));
            }
        }
    }
}
