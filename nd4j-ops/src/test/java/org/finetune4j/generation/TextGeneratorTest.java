package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.generation.TextGenerator.Prompt;
import org.finetune4j.generation.structure.Structure;
import org.finetune4j.generation.structure.StructureException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.ConversationEncoder;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.finetune4j.tokenizer.TokenizerException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextGeneratorTest {
    private static final Path TINY = Path.of("..", "samples", "models", "tiny");
    private static final Set<Integer> STOP = Set.of(1);
    private static Kernels kernels;
    private static LanguageModel model;
    private static Tokenizer tokenizer;
    private static TextGenerator generator;
    private static int[] prompt;

    @BeforeAll
    static void open() {
        kernels = new OneDnnKernels(1);
        model = LanguageModel.load(TINY, Precision.F32, kernels);
        tokenizer = Tokenizer.load(TINY);
        generator = new TextGenerator(model, tokenizer, GenerationLimits.DEFAULT);
        prompt = new ConversationEncoder(tokenizer, tokenizer.chatTemplate())
                .encodePrompt(Conversation.of(List.of(
                        new Message("user", "Lucy has 74 tickets. She sells 18. How many tickets does Lucy have now?"))));
    }

    @AfterAll
    static void close() {
        generator.close();
        tokenizer.close();
        model.close();
        kernels.close();
    }

    private static GenerationSettings.Builder greedy(int most) {
        return GenerationSettings.builder().maxNewTokens(most).stopIds(STOP);
    }

    private static GeneratedText one(GenerationSettings settings) {
        return generator.generate(List.of(new Prompt(prompt, settings, 0)), TextListener.NONE).get(0).get(0);
    }

    /** A text that is drawn so hot that it holds characters of several bytes. */
    private static GenerationSettings.Builder hot() {
        return greedy(60).temperature(3).seed(5);
    }

    @Test
    void aStreamIsTheTextInPieces() {
        for (GenerationSettings settings : List.of(greedy(30).build(), hot().build(), hot().stopStrings(List.of("zzz",
                "  ")).build())) {
            GeneratedText whole = one(settings);
            List<String> pieces = new ArrayList<>();
            try (TextStream stream = generator.stream(new Prompt(prompt, settings, 0))) {
                assertThrows(IllegalStateException.class, stream::result);
                stream.forEachRemaining(pieces::add);
                assertEquals(whole.text(), stream.result().text());
                assertEquals(whole.reason(), stream.result().reason());
            }
            assertEquals(whole.text(), String.join("", pieces));
            assertTrue(pieces.size() > 2 && pieces.stream().noneMatch(String::isEmpty), pieces.toString());
            assertEquals(tokenizer.decode(whole.tokens().tokens(), true).startsWith(whole.text()), true);
        }
    }

    @Test
    void theReasonOfTheEndIsTold() {
        GeneratedText free = one(greedy(64).build());
        assertEquals(EndReason.STOP_TOKEN, free.reason());
        assertEquals(EndReason.LENGTH, one(greedy(2).build()).reason());
        assertEquals(EndReason.LENGTH, one(greedy(64).maxLength(prompt.length + 2).build()).reason());
        assertEquals(EndReason.CONTEXT_FULL, one(GenerationSettings.greedy(10_000, Set.of())).reason());
        int longer = free.tokens().tokens().length + 3;
        GeneratedText more = one(greedy(64).minNewTokens(longer).build());
        assertTrue(more.tokens().tokens().length >= longer && more.text().startsWith(free.text()), more.text());
    }

    @Test
    void aStopStringIsCutOffWhereverItsTokensEnd() {
        String free = one(greedy(64).build()).text();
        assertTrue(free.length() > 6, free);
        for (int from = 1; from + 3 < free.length(); from++) {
            String stop = free.substring(from, from + 3);
            int cut = free.indexOf(stop);
            StringBuilder told = new StringBuilder();
            List<GeneratedText> ended = new ArrayList<>();
            GeneratedText text = generator.generate(List.of(new Prompt(prompt, greedy(64).stopStrings(List.of("never",
                    stop)).build(), 0)),
                    new TextListener() {
                        @Override
                        public boolean onText(int request, int sample, String piece) {
                            told.append(piece);
                            return true;
                        }

                        @Override
                        public void onEnd(GeneratedText done, int count, int all) {
                            ended.add(done);
                        }
                    }).get(0).get(0);
            assertEquals(free.substring(0, cut), text.text(), "stop '" + stop + "'");
            assertEquals(text.text(), told.toString());
            assertEquals(EndReason.STOP_STRING, text.reason());
            assertEquals(List.of(text), ended);
        }
    }

    @Test
    void logProbabilitiesAreTheModelsOwn() {
        GenerationSettings settings =
                greedy(5).repetitionPenalty(1.5).temperature(0.5).topK(3).seed(2).logProbabilities(4).build();
        GeneratedTokens text = one(settings).tokens();
        try (DecodingEngine engine = new DecodingEngine(model, true)) {
            for (int i = 0; i < text.tokens().length; i++) {
                int[] before = Arrays.copyOf(prompt, prompt.length + i);
                System.arraycopy(text.tokens(), 0, before, prompt.length, i);
                engine.begin(1, prompt.length + 8);
                float[] logits = engine.feed(List.of(new Feed(0, before))).toFloatVector();
                double sum = 0;
                for (float logit : logits) {
                    sum += Math.exp(logit);
                }
                TokenChoice choice = text.choices().get(i);
                assertEquals(text.tokens()[i], choice.token());
                assertEquals(logits[choice.token()] - Math.log(sum), choice.logProbability(), 1e-3);
                assertEquals(4, choice.alternatives().size());
                for (int a = 0; a < 4; a++) {
                    TokenChoice.Alternative other = choice.alternatives().get(a);
                    assertEquals(logits[other.token()] - Math.log(sum), other.logProbability(), 1e-3);
                    assertTrue(a == 0 || other.logProbability() <= choice.alternatives().get(a - 1).logProbability());
                }
            }
        }
    }

    @Test
    void whatIsHeldToASchemaIsValid() throws JsonProcessingException {
        Structure person = Structure.json("{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"left\":"
                + "{\"type\":\"integer\",\"minimum\":0,\"maximum\":999}},\"required\":[\"name\",\"left\"]}");
        List<Prompt> prompts = new ArrayList<>();
        for (int seed = 0; seed < 8; seed++) {
            prompts.add(new Prompt(prompt, greedy(seed < 4 ? 60 : 24).temperature(seed % 2 == 0 ? 0.7 : 4).seed(seed)
                    .structure(person).build(), 0));
        }
        Set<EndReason> reasons = new java.util.HashSet<>();
        for (List<GeneratedText> texts : generator.generate(prompts, TextListener.NONE)) {
            JsonNode document = StrictJson.mapper().readTree(texts.get(0).text());
            assertTrue(document.get("name").isTextual() && document.get("left").intValue() <= 999 && document.size() == 2,
                    texts.get(0).text());
            reasons.add(texts.get(0).reason());
        }
        assertTrue(reasons.contains(EndReason.STRUCTURE_CLOSED), reasons.toString());
        GeneratedText number = one(greedy(30).structure(Structure.regex("[0-9]{2}")).build());
        assertTrue(number.text().matches("[0-9]{2}") && number.reason() == EndReason.STRUCTURE_COMPLETE, number.text());
        assertTrue(assertThrows(StructureException.class, () -> one(greedy(10).structure(person).build())).getMessage()
                .contains("maxNewTokens"));
    }

    @Test
    void aStopStringMayBeASpecialToken() {
        GeneratedText stopped = one(greedy(64).build());
        GeneratedText endless = one(greedy(64).stopIds(Set.of()).build());
        assertTrue(endless.tokens().tokens().length > stopped.tokens().tokens().length);
        GeneratedText text = one(greedy(64).stopIds(Set.of()).stopStrings(List.of("<|im_end|>")).build());
        assertEquals(stopped.text(), text.text());
        assertEquals(EndReason.STOP_TOKEN, text.reason());
    }

    @Test
    void aStopTokenThatIsTextDoesNotEndAFormEarly() {
        GenerationSettings digits = greedy(30).structure(Structure.regex("[0-9]{3}")).build();
        int first = one(digits).tokens().tokens()[0];
        GeneratedText text = one(digits.toBuilder().stopIds(Set.of(1, first)).build());
        assertTrue(text.text().matches("[0-9]{3}") && text.reason() == EndReason.STRUCTURE_COMPLETE, text.toString());
        String digit = tokenizer.decode(new int[] {first}, false);
        assertThrows(StructureException.class, () -> one(greedy(30).structure(Structure.regex(digit + "{3}"))
                .stopIds(Set.of(first)).build()));
    }

    @Test
    void anAddedTokenWithoutARowIsRefusedWhereItOccurs(@TempDir Path folder) throws IOException {
        ObjectNode json = (ObjectNode) StrictJson.mapper().readTree(Files.readString(TINY.resolve(Tokenizer.FILE_NAME)));
        ((ArrayNode) json.get("added_tokens")).add(((ObjectNode) json.at("/added_tokens/1")).deepCopy().put("id", 1024)
                .put("content", "<image>"));
        Files.writeString(folder.resolve(Tokenizer.FILE_NAME), json.toString());
        Files.copy(TINY.resolve(Tokenizer.CONFIGURATION_NAME), folder.resolve(Tokenizer.CONFIGURATION_NAME));
        try (Tokenizer larger = Tokenizer.load(folder);
             TextGenerator other = new TextGenerator(model, larger, GenerationLimits.DEFAULT)) {
            assertEquals(1025, larger.vocabularySize());
            assertEquals(one(greedy(8).build()).text(),
                    other.generate(List.of(new Prompt(prompt, greedy(8).build(), 0)), TextListener.NONE).get(0).get(0).text());
            int[] image = larger.encode("a<image>b", false).ids();
            assertTrue(assertThrows(FinetuneException.class, () -> other.generate(List.of(new Prompt(image,
                    greedy(8).build(), 0)), TextListener.NONE)).getMessage().contains("holds token 1024"));
            assertTrue(assertThrows(TokenizerException.class, () -> larger.tokensWithin(1023)).getMessage()
                    .contains("the tokenizer has 1025 tokens, but the model's embedding only 1023 rows"));
        }
    }

    @Test
    void everyTextMayBeEndedFromOutside() {
        int[] passes = {0};
        List<Integer> ended = new ArrayList<>();
        TextListener impatient = new TextListener() {
            @Override
            public void onEnd(GeneratedText text, int count, int all) {
                ended.add(count);
                assertEquals(3, all);
            }

            @Override
            public boolean cancelled() {
                return ++passes[0] > 4;
            }
        };
        GenerationSettings settings = hot().minNewTokens(50).samples(3).build();
        List<GeneratedText> texts = generator.generate(List.of(new Prompt(prompt, settings, 0)), impatient).get(0);
        assertTrue(texts.stream().allMatch(text -> text.reason() == EndReason.CANCELLED
                && text.tokens().tokens().length < 6));
        assertEquals(List.of(1, 2, 3), ended);
        try (TextStream stream = generator.stream(new Prompt(prompt, hot().minNewTokens(50).build(), 0))) {
            stream.next();
            stream.cancel();
            stream.forEachRemaining(piece -> { });
            assertEquals(EndReason.CANCELLED, stream.result().reason());
        }
        assertThrows(FinetuneException.class, () -> generator.stream(new Prompt(prompt, settings, 0)));
    }

    @Test
    void theTextOfABeamIsWhole() {
        List<GeneratedText> texts = generator.generate(List.of(new Prompt(prompt,
                greedy(20).beams(3).samples(3).build(), 0)),
                TextListener.NONE).get(0);
        assertEquals(3, texts.stream().map(GeneratedText::text).distinct().count());
        texts.forEach(text -> assertEquals(tokenizer.decode(text.tokens().tokens(), true), text.text()));
        assertFalse(Double.isNaN(texts.get(0).tokens().score()));
    }
}
