package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every setting, alone and with the others, against PyTorch (oracle/logits_rules.py). */
class LogitsRulesTest {
    static List<JsonNode> cases() throws IOException {
        try (InputStream in = LogitsRulesTest.class.getResourceAsStream("/oracle/logits-rules.json")) {
            List<JsonNode> cases = new ArrayList<>();
            StrictJson.mapper().readTree(in).get("cases").forEach(cases::add);
            return cases;
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agreesWithPyTorch(JsonNode given) {
        GenerationSettings settings = settings(given.get("settings"));
        TokenHistory history = new TokenHistory(integers(given.get("prompt")));
        Arrays.stream(integers(given.get("added"))).forEach(history::add);
        float[] logits = new float[given.get("logits").size()];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = given.get("logits").get(i).floatValue();
        }
        new LogitsRules(settings).apply(logits, history);
        double[] drawn = new TokenSampler(settings).probabilities(logits);
        for (int i = 0; i < logits.length; i++) {
            JsonNode expected = given.get("processed").get(i);
            assertEquals(expected.isNull() ? Float.NEGATIVE_INFINITY : expected.doubleValue(), logits[i], 2e-6, "logit "
                    + i);
            assertEquals(given.get("probabilities").get(i).doubleValue(), drawn[i], 2e-6, "probability " + i);
        }
    }

    @Test
    void theCopyOfAHistoryGoesOnByItself() {
        TokenHistory history = new TokenHistory(new int[] {1, 2});
        history.add(3);
        TokenHistory copy = history.copy();
        copy.add(4);
        assertEquals(Map.of(3, 1), history.counts());
        assertEquals(Map.of(3, 1, 4, 1), copy.counts());
        assertTrue(copy.seen().get(4) && !history.seen().get(4));
    }

    @Test
    void tokensOutsideTheVocabularyAreNamed() {
        GenerationSettings settings = GenerationSettings.builder().bannedTokens(Set.of(9)).build();
        String message = assertThrows(FinetuneException.class,
                () -> new LogitsRules(settings).apply(new float[9], new TokenHistory(new int[] {0}))).getMessage();
        assertTrue(message.contains("bannedTokens") && message.contains("token 9"), message);
    }

    private static GenerationSettings settings(JsonNode given) {
        GenerationSettings.Builder settings = GenerationSettings.builder();
        given.properties().forEach(field -> {
            JsonNode value = field.getValue();
            switch (field.getKey()) {
                case "temperature" -> settings.temperature(value.doubleValue());
                case "topK" -> settings.topK(value.intValue());
                case "topP" -> settings.topP(value.doubleValue());
                case "minP" -> settings.minP(value.doubleValue());
                case "typicalP" -> settings.typicalP(value.doubleValue());
                case "repetitionPenalty" -> settings.repetitionPenalty(value.doubleValue());
                case "presencePenalty" -> settings.presencePenalty(value.doubleValue());
                case "frequencyPenalty" -> settings.frequencyPenalty(value.doubleValue());
                case "noRepeatNgram" -> settings.noRepeatNgram(value.intValue());
                case "minNewTokens" -> settings.minNewTokens(value.intValue());
                case "bannedTokens" -> settings.bannedTokens(set(value));
                case "stopIds" -> settings.stopIds(set(value));
                case "logitBias" -> {
                    Map<Integer, Double> biases = new HashMap<>();
                    value.properties().forEach(bias -> biases.put(Integer.valueOf(bias.getKey()),
                            bias.getValue().doubleValue()));
                    settings.logitBias(biases);
                }
                default -> throw new AssertionError(field.getKey());
            }
        });
        return settings.build();
    }

    private static Set<Integer> set(JsonNode list) {
        Set<Integer> set = new HashSet<>();
        list.forEach(value -> set.add(value.intValue()));
        return set;
    }

    static int[] integers(JsonNode list) {
        int[] values = new int[list.size()];
        Arrays.setAll(values, i -> list.get(i).intValue());
        return values;
    }
}
