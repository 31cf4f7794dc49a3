package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.generation.GenerationSettings.EarlyStopping;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TestModels;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
    private static final Path TINY = Path.of("..", "samples", "models", "tiny");

    @Test
    void agreesWithPyTorch() throws IOException {
        JsonNode cases;
        try (InputStream in = BeamSearchTest.class.getResourceAsStream("/oracle/beam-search.json")) {
            cases = StrictJson.mapper().readTree(in).get("cases");
        }
        try (Kernels kernels = new OneDnnKernels(2); LanguageModel model = LanguageModel.load(TINY, Precision.F32, kernels);
             Generator generator = new Generator(model)) {
            for (JsonNode given : cases) {
                Set<Integer> stops = new HashSet<>();
                given.get("stops").forEach(stop -> stops.add(stop.intValue()));
                GenerationSettings settings = GenerationSettings.builder().beams(given.get("beams").intValue())
                        .samples(given.get("texts").size()).maxNewTokens(given.get("new").intValue()).stopIds(stops)
                        .lengthPenalty(given.get("power").doubleValue()).earlyStopping(early(given.get("early").asText()))
                        .repetitionPenalty(given.get("penalty").doubleValue()).logProbabilities(0).build();
                List<GeneratedTokens> texts = generator.generate(List.of(new GenerationRequest(
                        LogitsRulesTest.integers(given.get("prompt")), settings, 0)), TokenListener.NONE).get(0);
                assertEquals(given.get("texts").size(), texts.size());
                for (int i = 0; i < texts.size(); i++) {
                    int[] expected = LogitsRulesTest.integers(given.get("texts").get(i).get("tokens"));
                    boolean stopped = stops.contains(expected[expected.length - 1]);
                    GeneratedTokens text = texts.get(i);
                    assertArrayEquals(stopped ? Arrays.copyOf(expected, expected.length - 1) : expected, text.tokens());
                    assertEquals(stopped ? EndReason.STOP_TOKEN : EndReason.LENGTH, text.reason());
                    assertEquals(given.get("texts").get(i).get("score").doubleValue(), text.score(), 2e-3);
                    assertEquals(text.tokens().length, text.choices().size());
                    if (!stopped && given.get("penalty").doubleValue() == 1) {
                        double sum = text.choices().stream().mapToDouble(TokenChoice::logProbability).sum();
                        assertEquals(text.score(), sum / Math.pow(expected.length, settings.lengthPenalty()), 1e-3);
                    }
                }
            }
        }
    }

    private static EarlyStopping early(String name) {
        return switch (name) {
            case "True" -> EarlyStopping.WHEN_FULL;
            case "never" -> EarlyStopping.WHEN_IMPOSSIBLE;
            default -> EarlyStopping.WHEN_UNLIKELY;
        };
    }

    /** With a beam for every text there is, the best ones are found. */
    @Test
    void wideBeamsFindWhatAnExhaustiveSearchFinds() {
        int vocabulary = 4;
        int[] prompt = {3, 17, 5};
        int stop = 2;
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 9);
             Generator generator = new Generator(model, true, 20);
             DecodingEngine engine = new DecodingEngine(model, true)) {
            // Only the first four tokens may come, so that all texts of three tokens can be told.
            Set<Integer> banned = new HashSet<>();
            for (int token = vocabulary; token < 20; token++) {
                banned.add(token);
            }
            for (double power : new double[] {0, 1, 2}) {
                List<GeneratedTokens> all = new ArrayList<>();
                exhaust(engine, prompt, new int[0], 0, power, stop, vocabulary, all);
                all.sort(Comparator.comparingDouble(GeneratedTokens::score).reversed());
                List<GeneratedTokens> found = generator.generate(List.of(new GenerationRequest(prompt,
                        GenerationSettings.builder().beams(64).samples(5).maxNewTokens(3).stopIds(Set.of(stop)).bannedTokens(banned)
                                .lengthPenalty(power).earlyStopping(EarlyStopping.WHEN_IMPOSSIBLE).build(), 0)),
                        TokenListener.NONE).get(0);
                for (int i = 0; i < 5; i++) {
                    assertArrayEquals(all.get(i).tokens(), found.get(i).tokens(), "power " + power + ", text " + i);
                    assertEquals(all.get(i).score(), found.get(i).score(), 1e-4);
                }
            }
        }
    }

    private static void exhaust(DecodingEngine engine, int[] prompt, int[] added, double logProbability, double power,
            int stop,
                                int vocabulary, List<GeneratedTokens> all) {
        int[] text = Arrays.copyOf(prompt, prompt.length + added.length);
        System.arraycopy(added, 0, text, prompt.length, added.length);
        engine.begin(1, 16);
        float[] logits = Arrays.copyOf(engine.feed(List.of(new Feed(0, text))).toFloatVector(), 20);
        double logSum = LogProbabilities.logSum(logits);
        for (int token = 0; token < vocabulary; token++) {
            double sum = logProbability + logits[token] - logSum;
            int length = added.length + 1;
            int[] longer = Arrays.copyOf(added, length);
            longer[length - 1] = token;
            if (token == stop || length == 3) {
                all.add(new GeneratedTokens(0, 0, token == stop ? added : longer, List.of(), EndReason.LENGTH,
                        sum / Math.pow(length, power)));
            } else {
                exhaust(engine, prompt, longer, sum, power, stop, vocabulary, all);
            }
        }
    }

    @Test
    void whatCannotBeContinuedIsRefused() {
        GenerationSettings search = GenerationSettings.builder().beams(3).maxNewTokens(4).build();
        Set<Integer> every = IntStream.range(0, 37).boxed().collect(Collectors.toSet());
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(false), Precision.F32, kernels, 9);
             Generator generator = new Generator(model)) {
            assertTrue(refusal(generator, search.toBuilder().bannedTokens(every).build()).contains("forbid every token"));
            model.parameters().named("model.embed_tokens.weight").value().getRow(7).assign(Float.NaN);
            assertTrue(refusal(generator, search).contains("prompt 5 (counted from 0): the model's logits are not finite"));
        }
    }

    private static String refusal(Generator generator, GenerationSettings settings) {
        return assertThrows(FinetuneException.class, () -> generator.generate(List.of(new GenerationRequest(
                new int[] {6, 7}, settings, 5)), TokenListener.NONE)).getMessage();
    }

    @Test
    void oneOfManyRequestsMaySearch() {
        int[] prompt = {3, 17, 5, 30};
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 9);
             Generator generator = new Generator(model)) {
            GenerationSettings greedy = GenerationSettings.greedy(6, Set.of());
            GenerationSettings search = greedy.toBuilder().beams(3).samples(2).build();
            List<List<GeneratedTokens>> texts = generator.generate(List.of(new GenerationRequest(prompt, greedy, 0),
                    new GenerationRequest(prompt, search, 0)), TokenListener.NONE);
            assertArrayEquals(generator.generate(List.of(prompt), greedy).get(0), texts.get(0).get(0).tokens());
            assertEquals(2, texts.get(1).size());
            assertTrue(texts.get(1).get(0).score() >= texts.get(1).get(1).score());
            TokenListener atOnce = new TokenListener() {
                @Override
                public boolean cancelled() {
                    return true;
                }
            };
            assertTrue(generator.generate(List.of(new GenerationRequest(prompt, greedy, 0)), atOnce).get(0).get(0).reason()
                    == EndReason.CANCELLED);
        }
    }
}
