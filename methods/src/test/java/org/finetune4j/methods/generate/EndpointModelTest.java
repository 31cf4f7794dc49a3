package org.finetune4j.methods.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.StubEndpoint.Reply;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndpointModelTest {
    private static final Reply BUSY = new Reply(429, "{\"error\":{\"message\":\"slow down\"}}");
    private static final Reply BROKEN = new Reply(500, "no");

    @TempDir
    Path folder;

    /** Time that passes only by pauses. */
    private static final class Pauses implements EndpointModel.Clock {
        final List<Long> made = Collections.synchronizedList(new ArrayList<>());
        private long now;

        @Override
        public synchronized long nanos() {
            return now;
        }

        @Override
        public synchronized void pause(long nanos) {
            now += nanos;
            if (nanos > 0) {
                made.add(nanos);
            }
        }
    }

    private final Pauses clock = new Pauses();

    private static OpenAi source(String url, int parallel, double perMinute, int retries, double timeout) {
        return new OpenAi("stub", url, "", parallel, perMinute, retries, timeout, 0, 0);
    }

    private static List<TextRequest> requests(int count) {
        return IntStream.range(0, count).mapToObj(i -> new TextRequest("row:" + (i + 1),
                List.of(Message.system("Be brief."),
                Message.user("What is " + i + "?")), new Decoding(0.5, 0.9, 40), 100 + i)).toList();
    }

    private static String asked(JsonNode request) {
        return request.at("/messages/1/content").asText();
    }

    private List<String> answers(OpenAi source, String key, int count) {
        String[] texts = new String[count];
        try (EndpointModel model = new EndpointModel(source, key, clock)) {
            model.answer(requests(count), (request, answer) -> texts[request] = answer.text());
        }
        return java.util.Arrays.asList(texts);
    }

    private static BiFunction<Integer, JsonNode, Reply> echo(BiFunction<Integer, JsonNode, Reply> instead) {
        return (before, request) -> {
            Reply other = instead.apply(before, request);
            return other != null ? other : Reply.text("re: " + asked(request), "stop");
        };
    }

    @Test
    void everySettingIsSentAndAnswersKeepTheirPlaces() throws IOException {
        try (StubEndpoint stub = new StubEndpoint(echo((before, request) -> null))) {
            assertEquals(IntStream.range(0, 9).mapToObj(i -> "re: What is " + i + "?").toList(),
                    answers(source(stub.url(), 4, 0, 0, 30), "secret", 9));
            assertEquals(List.of("Bearer secret"), stub.keys.stream().distinct().toList());
            JsonNode first = stub.requests.stream().filter(request -> asked(request).equals("What is 3?")).findFirst()
                    .orElseThrow();
            assertEquals("stub", first.get("model").asText());
            assertEquals(0.5, first.get("temperature").asDouble());
            assertEquals(0.9, first.get("top_p").asDouble());
            assertEquals(40, first.get("max_tokens").asInt());
            assertEquals(103, first.get("seed").asInt());
            assertEquals("system", first.at("/messages/0/role").asText());
            assertFalse(first.has("top_k"), "not one of OpenAI's own");
            try (EndpointModel model = new EndpointModel(source(stub.url(), 1, 0, 0, 30), "", clock)) {
                model.answer(List.of(new TextRequest("row:1", List.of(Message.system("Be brief."), Message.user("Cut?")),
                        new Decoding(0.5, 0.9, 7, 40), 1)), (request, answer) -> { });
            }
            assertEquals(7, stub.requests.stream().filter(request -> asked(request).equals("Cut?")).findFirst().orElseThrow()
                    .get("top_k").asInt());
        }
        assertEquals(List.of(), clock.made);
    }

    @Test
    void failuresForAWhileAreRepeatedWithGrowingPauses() throws IOException {
        Reply[] first = {BUSY, BROKEN, new Reply(200, "{\"choices\":"), new Reply(200, "{}")};
        try (StubEndpoint stub = new StubEndpoint(echo((before, request) -> before < first.length ? first[before]
                : null))) {
            assertEquals(List.of("re: What is 0?"), answers(source(stub.url(), 1, 0, 4, 30), "", 1));
            assertEquals(5, stub.requests.size());
        }
        assertEquals(4, clock.made.size());
        for (int i = 0; i < 4; i++) {
            double seconds = clock.made.get(i) / 1e9;
            assertTrue(seconds >= 0.5 * (1 << i) && seconds < 1 << i, clock.made.toString());
        }
        assertEquals((long) 30e9, EndpointModel.pause(20, 0), "no pause grows for ever");
    }

    @Test
    void failuresForGoodAreToldAtOnceWithoutTheKey() throws IOException {
        try (StubEndpoint stub = new StubEndpoint((before, request) -> new Reply(401,
                "{\"error\":{\"message\":\"wrong key sk-12345\"}}"))) {
            String message = assertThrows(FinetuneException.class,
                    () -> answers(source(stub.url(), 1, 0, 5, 30), "sk-12345", 3)).getMessage();
            assertTrue(message.contains("stub at " + stub.url() + " did not answer row:1: AuthenticationException")
                    && message.contains("wrong key (the key)") && !message.contains("sk-12345"), message);
            assertEquals(1, stub.requests.size(), "the others were not asked");
        }
    }

    @Test
    void aSlowAnswerCountsAsAFailure() throws IOException {
        CountDownLatch never = new CountDownLatch(1);
        try (StubEndpoint stub = new StubEndpoint(echo((before, request) -> {
            if (before == 0) {
                try {
                    never.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return null;
        }))) {
            assertEquals(List.of("re: What is 0?"), answers(source(stub.url(), 1, 0, 1, 0.5), "", 1));
            never.countDown();
        }
    }

    @Test
    void retriesEnd() throws IOException {
        try (StubEndpoint stub = new StubEndpoint((before, request) -> BUSY)) {
            String message = assertThrows(FinetuneException.class, () -> answers(source(stub.url(), 1, 0, 2, 30), "",
                    1))
                    .getMessage();
            assertTrue(message.contains("at 3 attempts: RateLimitException"), message);
            assertEquals(3, stub.requests.size());
        }
    }

    @Test
    void requestsAreSpreadOverTime() throws IOException {
        Pace pace = new Pace(30);
        assertEquals(List.of(0L, 2_000_000_000L, 4_000_000_000L), List.of(pace.reserve(5), pace.reserve(5),
                pace.reserve(5)));
        assertEquals(0, pace.reserve(100_000_000_000L), "time that has passed is not saved up");
        assertEquals(2_000_000_000L, pace.reserve(100_000_000_000L));
        try (StubEndpoint stub = new StubEndpoint(echo((before, request) -> null))) {
            answers(source(stub.url(), 1, 60, 0, 30), "", 4);
        }
        assertEquals(3, clock.made.size());
    }

    @Test
    void whatHasComeIsKeptWhenAnotherRequestFails() throws IOException {
        OpenAi[] source = new OpenAi[1];
        try (StubEndpoint stub = new StubEndpoint(echo((before, request) -> before == 2 ? new Reply(400, "no")
                : null))) {
            source[0] = source(stub.url(), 1, 0, 0, 30);
            Path file = folder.resolve("answers.jsonl");
            for (int run = 0; run < 2; run++) {
                List<String> heard = new ArrayList<>();
                try (TextModel model = new CachedTextModel(new EndpointModel(source[0], "", clock),
                        new AnswerCache(file))) {
                    TextModel.Listener listener = (request, answer) -> heard.add(answer.text());
                    if (run == 0) {
                        assertThrows(FinetuneException.class, () -> model.answer(requests(5), listener));
                        assertEquals(2, heard.size());
                    } else {
                        model.answer(requests(5), listener);
                        assertEquals(5, heard.size());
                    }
                }
            }
            assertEquals(6, stub.requests.size(), "three and the three that were missing");
        }
    }

    @Test
    void theReasonOfTheEndIsKept() throws IOException {
        try (StubEndpoint stub = new StubEndpoint((before, request) -> Reply.text("cut", "length"));
             EndpointModel model = new EndpointModel(source(stub.url(), 1, 0, 0, 30), "", clock)) {
            List<TextAnswer> answers = new ArrayList<>();
            model.answer(requests(1), (request, answer) -> answers.add(answer));
            assertEquals(List.of(new TextAnswer("cut", false, 7, 3)), answers);
        }
    }

    @Test
    void keysStayOutOfRecipes() {
        for (String name : List.of("sk-proj-12345", "two words")) {
            String message = assertThrows(FinetuneException.class, () -> new OpenAi("m", "https://x/v1", name, 1, 0, 0,
                    1, 0,
                    0)).getMessage();
            assertTrue(message.contains("must be the name of an environment variable") && !message.contains(name),
                    message);
        }
        assertThrows(FinetuneException.class, () -> source("https://me:word@x/v1", 1, 0, 0, 1));
        assertThrows(FinetuneException.class, () -> source("https://x/v1?key=1", 1, 0, 0, 1));
        assertThrows(FinetuneException.class, () -> source("ftp://x", 1, 0, 0, 1));
        OpenAi missing = new OpenAi("m", "https://x/v1", "FINETUNE4J_NO_SUCH_KEY", 1, 0, 0, 1, 0, 0);
        assertEquals("openAi: the environment variable FINETUNE4J_NO_SUCH_KEY, which is to hold the key for "
                + "https://x/v1, is "
                + "not set. Set it, or give keyVariable = \"\" where no key is needed.", missing.problem()
                .orElseThrow());
        assertFalse(OpenAi.METHOD.create(new Settings(missing.settings())).settings().toString().contains("sk-"));
    }

    @Test
    void thePriceIsTold() {
        OpenAi priced = new OpenAi("m", "https://x/v1", "", 1, 0, 0, 1, 2.5, 10);
        assertEquals("m at https://x/v1: at most 1,000 requests for answers, about 200,000 tokens in and at most "
                + "50,000 out, "
                + "at most about 1.00 at 2.5 and 10.0 a million",
                new TextWork(priced, "answers", 1000, 200_000, 50).description());
    }
}
