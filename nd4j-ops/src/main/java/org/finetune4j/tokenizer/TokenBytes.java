package org.finetune4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of tokens: of byte-level vocabularies (GPT-2, Llama 3, Qwen) through their byte alphabet, of
 * SentencePiece's (Llama 2, Mistral, Gemma) with a space for its mark and a byte for {@code <0xNN>}.
 */
final class TokenBytes {
    private static final Pattern BYTE = Pattern.compile("<0x([0-9A-Fa-f]{2})>");
    private static final String SPACE_MARK = "\u2581";
    private static final Set<String> OF_PIECES = Set.of("Replace", "ByteFallback", "Fuse", "Strip", "Metaspace");

    private TokenBytes() {}

    static byte[] @Nullable [] of(VocabularyReader.Vocabulary vocabulary, int size, Path file) {
        Set<String> steps = new HashSet<>();
        collect(vocabulary.decoder(), steps);
        boolean byteLevel = steps.equals(Set.of("ByteLevel"));
        if (!byteLevel && (steps.isEmpty() || !OF_PIECES.containsAll(steps))) {
            throw new TokenizerException(file + ": tokens cannot be told as bytes, because its decoder is "
                + (steps.isEmpty() ? "missing" : steps) + ". Structured output needs a byte-level tokenizer, or one with "
                + "SentencePiece's byte tokens.");
        }
        byte[][] bytes = new byte[size][];
        vocabulary.ids().forEach((token, id) -> {
            if (!vocabulary.addedIds().contains(id)) {
                bytes[id] = byteLevel ? byteLevel(token) : piece(token);
            }
        });
        return bytes;
    }

    private static void collect(JsonNode decoder, Set<String> steps) {
        if (decoder.path("type").asText().equals("Sequence")) {
            decoder.path("decoders").forEach(step -> collect(step, steps));
        } else if (decoder.has("type")) {
            steps.add(decoder.get("type").asText());
        }
    }

    private static byte @Nullable [] byteLevel(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            int value = ByteAlphabet.value(token.charAt(i));
            if (value < 0) {
                return null;
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }

    private static byte[] piece(String token) {
        Matcher single = BYTE.matcher(token);
        return single.matches() ? new byte[] {(byte) Integer.parseInt(single.group(1), 16)}
            : token.replace(SPACE_MARK, " ").getBytes(StandardCharsets.UTF_8);
    }
}
