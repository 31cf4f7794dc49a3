package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.judge.Abstention;
import org.finetune4j.methods.judge.Answerability;
import org.finetune4j.methods.judge.Judge;
import org.finetune4j.methods.judge.LlmJudge;
import org.finetune4j.methods.judge.Retention;
import org.finetune4j.methods.judge.TokenRecall;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.methods.select.Ssr.Route;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code ssr}. */
class SsrTest {
    private static Sample sample(int number, String gold, Map<String, String> fields) {
        return new Sample("s:" + number, List.of(Message.user("prompt " + number), Message.assistant(gold)), List.of(),
                null,
                fields);
    }

    private static List<Sample> samples(int count) {
        return IntStream.range(0, count).mapToObj(i -> sample(i, "cb", Map.of())).toList();
    }

    private static FakeContext context() {
        return new FakeContext(FakeContext.model("fake", request -> "ac"), BigramModel.CARD, null);
    }

    @Test
    void equalsS3ftWithoutRewording() {
        for (long seed = 0; seed < 30; seed++) {
            Random random = new Random(seed);
            boolean[] verdicts = new boolean[25];
            IntStream.range(0, 25).forEach(i -> verdicts[i] = random.nextBoolean());
            Judge judge = new TableJudge(reply -> verdicts[Integer.parseInt(reply.sample().id().substring(2))]);
            List<Sample> ssr = new Ssr(judge).select(samples(25), context()).samples();
            List<Sample> s3ft = new S3ft(judge, "", 1, 0, 1, 256, new Policy(), false, 0).select(samples(25), context())
                    .samples();
            assertEquals(s3ft, ssr);
            for (int i = 0; i < 25; i++) {
                assertEquals(verdicts[i] ? "ac" : "cb", ssr.get(i).response());
            }
        }
    }

    @Test
    void limits() {
        assertEquals(samples(5).stream().map(sample -> sample.tagged("gold")).toList(),
                new Ssr(TableJudge.always(false)).select(samples(5), context()).samples());
        assertTrue(new Ssr(TableJudge.always(true)).select(samples(5), context()).samples().stream()
                .noneMatch(sample -> "cb".equals(sample.response())));
    }

    @Test
    void abstentionsAreRightWhereThereIsNoAnswer() {
        List<Sample> given = List.of(sample(1, "It is not stated.", Map.of("answerable", "false")),
                sample(2, "It is not stated.", Map.of("answerable", "false")),
                sample(3, "In 1923.", Map.of("answerable", "true")), sample(4, "In 1923.", Map.of()),
                sample(5, "It is not stated.", Map.of("answerable", "false")));
        Map<String, String> replies = Map.of("s:1", "The document does not say.", "s:2", "It opened in 1910.",
                "s:3", "The document does not say.", "s:4", "1923", "s:5", "Nobody wrote that down here.");
        FakeContext context = new FakeContext(FakeContext.model("fake", request -> asksForAVerdict(request)
                ? request.id().equals("s:4") || request.id().equals("s:5") ? "Yes." : "No."
                : replies.get(request.id())),
                conversations -> conversations.stream().map(sample -> new float[] {-1}).toList(), null);
        Selection selection = new Ssr(new LlmJudge(new Policy())).select(given, context);
        assertEquals(List.of("self", "gold", "gold", "self", "self"), selection.samples().stream()
                .map(sample -> sample.provenance().tags().get(0)).toList());
        assertEquals(List.of("s:2", "s:4", "s:5"), context.asked.get("judge the answers").stream().map(TextRequest::id)
                .toList(), "a model is asked only where the words do not decide");
    }

    private static boolean asksForAVerdict(TextRequest request) {
        return request.conversation().messages().get(0).text().endsWith("Say yes or no.");
    }

    @Test
    void metricsOfTheCard() {
        boolean[] gold = {true, true, false, false, false, true, false, true};
        boolean[] predicted = {true, false, false, true, false, true, false, true};
        Answerability found = Answerability.of(gold, predicted);
        assertEquals(new Answerability(3, 1, 1, 3), found);
        assertEquals(0.75, found.accuracy());
        assertEquals(0.75, found.precision());
        assertEquals(0.75, found.recall());
        assertEquals(0.75, found.f1());
        assertEquals(0.8, TokenRecall.of("you must have liability insurance", "yes you must have insurance"), 1e-12);
        assertEquals(0.8, TokenRecall.of("You must, have liability insurance!", "yes: you MUST have insurance."),
                1e-12);
        assertEquals(0.5, TokenRecall.of("a a", "a b"), 1e-12, "words count as often as they come");
        Retention retention = Retention.of(new double[] {60, 55, 40, 80}, new double[] {58, 50, 33, 79});
        assertEquals(-3.75, retention.points(), 1e-12);
        assertEquals(-7.7936, retention.relative(), 5e-5);
        assertThrows(FinetuneException.class, () -> Retention.of(new double[] {0}, new double[] {1}));
        assertThrows(FinetuneException.class, () -> Answerability.of(gold, new boolean[2]));
    }

    @Test
    void abstentionsAreTold() {
        for (String reply : List.of("The document does not say.", "I don't know.", "This cannot be answered from the "
                + "text.",
                "Unanswerable", "There is not enough information to tell.", "The year isn\u2019t mentioned.",
                "I'm unable to determine that.", "The text doesn't actually mention it.")) {
            assertTrue(Abstention.in(reply), reply);
        }
        for (String reply : List.of("It opened in 1923.", "Yes, you must have insurance.", "No.",
                "He says that it is not far.",
                "The answer is 12.", "You do not need a licence.")) {
            assertTrue(!Abstention.in(reply), reply);
        }
    }

    @Test
    void verdictsAreTheFirstYesOrNo() {
        Map<String, String> words = Map.of("s:0", "YES, it does", "s:1", "No. Well, yes", "s:2", "I think yes", "s:3",
                "perhaps; nobody knows", "s:4", "");
        FakeContext context = new FakeContext(FakeContext.model("fake", request -> asksForAVerdict(request)
                ? words.get(request.id()) : "ac"), BigramModel.CARD, null);
        Selection selection = new Ssr(new LlmJudge(new Policy())).select(samples(5), context);
        assertEquals(List.of("ac", "cb", "ac", "cb", "cb"), selection.samples().stream().map(Sample::response)
                .toList());
        assertEquals("2", selection.report().get("verdicts that could not be read"));
        String message = assertThrows(FinetuneException.class, () -> new Ssr(new LlmJudge(new Policy(), 16,
                LlmJudge.Unparsable.ERROR)).select(samples(5), context)).getMessage();
        assertTrue(message.contains("the verdict on the reply to s:3 says neither yes nor no: 'perhaps; nobody knows'"),
                message);
        assertThrows(FinetuneException.class, () -> LlmJudge.METHOD.create(new Settings(Map.of("unparsable",
                "accept"))));
    }

    @Test
    void aRandomRouteHasAsManyOwnAnswersAndAlwaysTheSame() {
        Judge judge = new TableJudge(reply -> Integer.parseInt(reply.sample().id().substring(2)) < 10);
        List<List<String>> routes = new java.util.ArrayList<>();
        for (long seed : new long[] {1, 1, 2}) {
            Selection selection = new Ssr(judge, "answerable", Route.RANDOM, 0, 1, 64, seed).select(samples(40),
                    context());
            routes.add(selection.samples().stream().map(Sample::response).toList());
            assertEquals(10, routes.get(routes.size() - 1).stream().filter("ac"::equals).count());
        }
        assertEquals(routes.get(0), routes.get(1));
        assertNotEquals(routes.get(0), routes.get(2));
        assertNotEquals(new Ssr(judge).select(samples(40), context()).samples().stream().map(Sample::response).toList(),
                routes.get(0));
        Selection self = new Ssr(judge, "answerable", Route.SELF_ONLY, 0, 1, 64, 0).select(samples(40), context());
        assertTrue(self.samples().stream().allMatch(sample -> "ac".equals(sample.response())));
    }

    @Test
    void whatIsWrongIsToldBefore() {
        assertEquals(List.of("s:7 has 'perhaps' in its field 'answerable', but it must be true or false. Correct it, "
                + "or name "
                + "another field."), new Ssr(TableJudge.always(true)).problems(List.of(sample(7, "x",
                Map.of("answerable",
                        "perhaps")))));
        assertThrows(FinetuneException.class, () -> new Ssr(TableJudge.always(true), "a", Route.JUDGED, 0, 1, 0, 0));
    }
}
