package org.finetune4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training against the plain definition of byte-pair encoding, and its files in the native library. */
class BpeTrainerTest {
    @TempDir
    Path folder;

    private JsonNode saved(BytePairVocabulary vocabulary) throws IOException {
        vocabulary.save(folder, new TokenizerSettings(null, "<|im_end|>", null, null, 512));
        return new ObjectMapper().readTree(folder.resolve("tokenizer.json").toFile());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void mergesTheMostFrequentPairEachTime(boolean splitDigits) throws IOException {
        JsonNode model = saved(TestTokenizers.vocabulary(splitDigits)).get("model");
        List<String> merges = new ArrayList<>();
        model.get("merges").forEach(merge -> merges.add(merge.asText()));
        assertEquals(slowMerges(splitDigits, TestTokenizers.SIZE), merges);
        assertEquals(TestTokenizers.SIZE, model.get("vocab").size() + TestTokenizers.SPECIAL.size()
            - (int) TestTokenizers.SPECIAL.stream().filter(model.get("vocab")::has).count());
    }

    /** The definition, counted anew at every step. */
    private static List<String> slowMerges(boolean splitDigits, int size) {
        Map<String, Integer> words = new TreeMap<>();
        PreTokenizer preTokenizer = new PreTokenizer(TestTokenizers.SPECIAL, splitDigits);
        TestTokenizers.corpus().forEach(text -> preTokenizer.words(text, word -> words.merge(word, 1, Integer::sum)));
        List<String> tokens = new ArrayList<>(TestTokenizers.SPECIAL);
        for (int value = 0; value < 256; value++) {
            tokens.add(ByteAlphabet.symbol(value));
        }
        Map<List<String>, Integer> pieces = new HashMap<>();
        words.forEach((word, count) -> pieces.put(Arrays.stream(ByteAlphabet.bytes(word))
            .mapToObj(ByteAlphabet::symbol).toList(), count));
        List<String> merges = new ArrayList<>();
        while (tokens.size() < size) {
            Map<List<Integer>, Integer> pairs = new HashMap<>();
            pieces.forEach((word, count) -> {
                for (int i = 0; i + 1 < word.size(); i++) {
                    pairs.merge(List.of(tokens.indexOf(word.get(i)), tokens.indexOf(word.get(i + 1))), count,
                        Integer::sum);
                }
            });
            List<Integer> best = pairs.keySet().stream().min((a, b) -> !pairs.get(a).equals(pairs.get(b))
                ? pairs.get(b) - pairs.get(a) : !a.get(0).equals(b.get(0)) ? a.get(0) - b.get(0) : a.get(1) - b.get(1))
                .orElseThrow();
            String left = tokens.get(best.get(0));
            String right = tokens.get(best.get(1));
            merges.add(left + " " + right);
            if (!tokens.contains(left + right)) {
                tokens.add(left + right);
            }
            Map<List<String>, Integer> merged = new HashMap<>();
            pieces.forEach((word, count) -> merged.put(apply(word, left, right), count));
            pieces.clear();
            pieces.putAll(merged);
        }
        return merges;
    }

    private static List<String> apply(List<String> word, String left, String right) {
        List<String> merged = new ArrayList<>();
        for (int i = 0; i < word.size(); i++) {
            boolean both = i + 1 < word.size() && word.get(i).equals(left) && word.get(i + 1).equals(right);
            merged.add(both ? left + right : word.get(i));
            i += both ? 1 : 0;
        }
        return merged;
    }

    /** The library's tokens must be our words with our merges: its pre-tokenizer and ours cut alike. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theLibraryReadsItAsItWasTrained(boolean splitDigits) throws IOException {
        JsonNode model = saved(TestTokenizers.vocabulary(splitDigits)).get("model");
        PreTokenizer preTokenizer = new PreTokenizer(TestTokenizers.SPECIAL, splitDigits);
        Random random = new Random(17);
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            List<String> texts = new ArrayList<>(TestTokenizers.corpus().toList());
            for (int i = 0; i < 300; i++) {
                texts.add(RandomText.next(random));
            }
            for (String text : texts) {
                List<Integer> expected = new ArrayList<>();
                preTokenizer.words(text, word -> {
                    List<String> pieces = Arrays.stream(ByteAlphabet.bytes(word)).mapToObj(ByteAlphabet::symbol).toList();
                    for (JsonNode merge : model.get("merges")) {
                        String[] sides = merge.asText().split(" ");
                        pieces = apply(pieces, sides[0], sides[1]);
                    }
                    pieces.forEach(piece -> expected.add(model.get("vocab").get(piece).asInt()));
                });
                TokenizedText tokens = tokenizer.encode(text, false);
                assertArrayEquals(expected.stream().mapToInt(Integer::intValue).toArray(), tokens.ids(), text);
                assertEquals(text, tokenizer.decode(tokens.ids(), false));
            }
        }
    }

    @Test
    void sameTextsGiveTheSameFiles() throws IOException {
        BytePairVocabulary first = TestTokenizers.vocabulary(true);
        List<String> shuffled = TestTokenizers.corpus().collect(Collectors.toCollection(ArrayList::new));
        Collections.reverse(shuffled);
        TokenizerSettings settings = new TokenizerSettings(null, "<|im_end|>", null, "x", 9);
        first.save(folder.resolve("a"), settings);
        new BpeTrainer(TestTokenizers.SIZE, TestTokenizers.SPECIAL, true).train(shuffled.stream()).save(folder.resolve("b"), settings);
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            assertEquals(Files.readString(folder.resolve("a").resolve(file)),
                Files.readString(folder.resolve("b").resolve(file)));
        }
    }

    @Test
    void specialTokensInTextsAreSkippedAndDigitsStaySingle() throws IOException {
        JsonNode vocabulary = saved(new BpeTrainer(300, TestTokenizers.SPECIAL, true).train(
            Stream.of("<|im_end|><|im_end|><|im_end|> 1234 1234 1234 abab abab"))).get("model").get("vocab");
        vocabulary.fieldNames().forEachRemaining(token -> assertTrue(TestTokenizers.SPECIAL.contains(token)
            || !token.matches(".*(im|\\|>|<\\||\\d.|.\\d).*"), token));
        assertTrue(vocabulary.has("Ġabab"));
    }

    @Test
    void stopsWhenNothingOccursTwice() {
        assertEquals(256 + 2, new BpeTrainer(1000, List.of(), false).train(Stream.of("abcabc xyz")).size());
    }

    @Test
    void refusesImpossibleRequests() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> new BpeTrainer(256, List.of("<s>"), false))
            .getMessage().contains("ask for at least 257"));
        assertThrows(IllegalArgumentException.class, () -> new BpeTrainer(400, List.of("<s>", "<s>"), false));
        assertThrows(IllegalArgumentException.class, () -> new BpeTrainer(400, List.of("a"), false));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> TestTokenizers.vocabulary(true).save(folder,
            new TokenizerSettings(null, "</s>", null, null, 9))).getMessage().contains("eos_token '</s>' is not one of"));
    }
}
